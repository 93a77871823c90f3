"""
One line per event, with the request id that began it.

JSON on stderr, or aligned text when `APP_ENV=development`. Every line has `level`, `time`,
`message`, `service`, and `request_id` and `user_id` when known. Bind values of SQL, tokens,
passwords and hashes are never passed to a logger (contract D54); what a client wrote into a path,
or a library into its error, is searched for them, as the last line of defence.
"""

import atexit
import logging
import re
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from pasar.kit.log_sink import Sink

request_id: Final[ContextVar[str]] = ContextVar("request_id", default="")
"""The request this task works for: set by the HTTP middleware and by message consumers."""

user_id: Final[ContextVar[str]] = ContextVar("user_id", default="")

_encode: Final = msgspec.json.Encoder(enc_hook=str).encode
_with_traceback: Final = structlog.processors.format_exc_info

HIDDEN: Final = "[hidden]"
_SECRET_NAMES: Final = frozenset(
    {"authorization", "dsn", "password", "refresh_token", "secret", "token"}
)
_SECRETS: Final = re.compile(
    r"""eyJ[\w-]{5,}\.[\w.-]+               # a token, also when cut off
    | \$2[abxy]\$\d\d\$[./\w]{20,}        # bcrypt
    | \$argon2\w+\$[\w=,$+/.-]+            # argon2
    | (?<=://)[^\s:@/"]*:[^\s@/"]+(?=@)     # the login of a DSN""",
    re.VERBOSE,
)

Logger = structlog.typing.FilteringBoundLogger


def get(part: str) -> Logger:
    """Return the logger of one part, for instance `relay`."""
    logger: Logger = structlog.get_logger(part=part)
    return logger


def configure(service: str, *, human: bool) -> None:
    """Send all lines of this process, also those of libraries, to stderr."""
    sink = Sink(sys.stderr.fileno())
    atexit.register(sink.flush)
    shared: list[Processor] = [partial(_facts, service)]
    renderer: Processor = _text if human else _json
    structlog.configure(
        processors=[*shared, renderer, _hide_secrets],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: sink,
        cache_logger_on_first_use=True,
    )
    without_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    libraries = logging.StreamHandler(sink)
    libraries.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[without_meta, renderer, _hide_secrets],
        )
    )
    logging.basicConfig(handlers=[libraries], level=logging.WARNING, force=True)


def _facts(service: str, _logger: WrappedLogger, level: str, event: EventDict) -> EventDict:
    """Add what every line has. One function, as each further processor costs every line."""
    event["level"] = "error" if level == "exception" else level
    event["time"] = datetime.now(UTC)
    if "exc_info" in event:
        event = _with_traceback(_logger, level, event)
    event["message"] = event.pop("event")
    event["service"] = service
    if request := request_id.get():
        event.setdefault("request_id", request)
    if user := user_id.get():
        event.setdefault("user_id", user)
    for name in _SECRET_NAMES & event.keys():
        event[name] = HIDDEN
    return event


def _hide_secrets(_logger: WrappedLogger, _name: str, line: Any) -> Any:
    """
    Blank what has the shape of a secret in a rendered line.

    A mark is in every secret of known shape: to look for them is cheap, to match is not.
    """
    marked = "eyJ" in line or "://" in line or "$2" in line or "$argon2" in line
    return _SECRETS.sub(HIDDEN, line) if marked else line


def _json(_logger: WrappedLogger, _level: str, event: EventDict) -> str:
    return _encode(event).decode()


def _text(_logger: WrappedLogger, _level: str, event: EventDict) -> str:
    """Render for a person; structlog's own renderer takes four times as long a line."""
    time, level, message = (event.pop(name) for name in ("time", "level", "message"))
    traceback = event.pop("exception", "")
    facts = " ".join(f"{name}={_plain(value)}" for name, value in event.items())
    return f"{time:%H:%M:%S.%f} {level:8} {message:24} {facts}{traceback and chr(10)}{traceback}"


def _plain(value: object) -> str:
    """Return the value as a word, in quotes where it is none: nobody forges a line break."""
    text = str(value)
    return text if text.isprintable() and " " not in text else repr(text)
