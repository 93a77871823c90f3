"""
One line per event, with the request id that began it.

JSON on stderr, or aligned text when `APP_ENV=development`. Every line has `level`, `time`,
`message`, `service`, and `request_id` and `user_id` when known. Bind values of SQL, tokens,
passwords and hashes are never passed to a logger (contract D54).
"""

import atexit
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import partial
from typing import Final

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from pasar.kit.log_sink import Sink

request_id: Final[ContextVar[str]] = ContextVar("request_id", default="")
"""The request this task works for: set by the HTTP middleware and by message consumers."""

user_id: Final[ContextVar[str]] = ContextVar("user_id", default="")

_encode: Final = msgspec.json.Encoder(enc_hook=str).encode

Logger = structlog.typing.FilteringBoundLogger


def get(part: str) -> Logger:
    """Return the logger of one part, for instance `relay`."""
    logger: Logger = structlog.get_logger(part=part)
    return logger


def configure(service: str, *, human: bool) -> None:
    """Send all lines of this process, also those of libraries, to stderr."""
    sink = Sink(sys.stderr.fileno())
    atexit.register(sink.flush)
    shared: list[Processor] = [partial(_facts, service), structlog.processors.format_exc_info]
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), event_key="message", timestamp_key="time"
        )
        if human
        else _json
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: sink,
        cache_logger_on_first_use=True,
    )
    libraries = logging.StreamHandler(sink)
    libraries.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[libraries], level=logging.WARNING, force=True)


def _facts(service: str, _logger: WrappedLogger, level: str, event: EventDict) -> EventDict:
    """Add what every line has. One function, as each further processor costs every line."""
    event["level"] = "error" if level == "exception" else level
    event["time"] = datetime.now(UTC)
    event["message"] = event.pop("event")
    event["service"] = service
    if request := request_id.get():
        event.setdefault("request_id", request)
    if user := user_id.get():
        event.setdefault("user_id", user)
    return event


def _json(_logger: WrappedLogger, _level: str, event: EventDict) -> str:
    return _encode(event).decode()
