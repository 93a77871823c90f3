"""
uvicorn's HTTP protocol with what it lacks: deadlines, a cap of connections, a cap of the head.

A connection knows when it must have got further (`due`); `server.py` looks at all of them a few
times a second. One look at everybody is cheaper than three timers per request.
"""

import asyncio
from dataclasses import dataclass
from typing import Any, Final, cast
from urllib.parse import unquote

import httptools
import uvicorn
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from pasar.kit.clock import SystemClock
from pasar.kit.errors import Invalid, PasarError, Unavailable
from pasar.store_service.web.address import UNKNOWN
from pasar.store_service.web.cycle import Cycle
from pasar.store_service.web.envelope import HeadTooLarge, failure, headers_of, status_of
from pasar.store_service.web.middleware import begin

LINGER_S: Final = 2.0
"""The rest of a refused body is swallowed so long: cut at once, its client misses the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """
    What one client may take.

    `header_timeout_s`: from connecting, or a request's first byte, to the end of its head.
    `read_timeout_s`: likewise to the end of its body.
    `write_timeout_s`: from there until the answer has left; longer than any request runs (D36).
    `idle_timeout_s`: from there to the next request's first byte.
    `max_connections`: of this process; those beyond are told 503.
    `max_head_bytes`: request line and headers of one request, then 431.
    """

    header_timeout_s: float
    read_timeout_s: float
    write_timeout_s: float
    idle_timeout_s: float
    max_connections: int
    max_head_bytes: int


class GuardedProtocol(HttpToolsProtocol):
    """One connection; `cut_if_overdue` is asked from outside."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        limits: ConnectionLimits,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._app = cast("ASGI3Application", self.app)  # pyright: ignore[reportUnknownMemberType]
        self._limits = limits
        self._began = self._due = self.loop.time()
        self._in_head = False
        self._head_bytes = 0
        self._whole = True
        self._unanswered = 0

    def cut_if_overdue(self, now: float) -> None:
        """Drop the connection if it has not got further in time."""
        if now >= self._due:
            self.transport.abort()

    # ---- what uvicorn and the parser call --------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_head()
        if len(self.connections) > self._limits.max_connections:
            self._refuse(Unavailable())

    def data_received(self, data: bytes) -> None:
        """Feed the parser; a head only up to its limit, as it would collect one of any length."""
        if self._unanswered:
            super().data_received(data)
            return
        if not self._in_head:
            self._head_bytes = 0
        room = self._limits.max_head_bytes - self._head_bytes
        self._head_bytes += len(data)
        super().data_received(data[:room])
        if len(data) <= room or self.transport.is_closing():
            return
        if self._in_head:
            self._refuse(HeadTooLarge())
        else:
            super().data_received(data[room:])

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._whole = True, False
        if not self._unanswered:
            self._expect_head()

    def on_headers_complete(self) -> None:
        """Begin a cycle of ours where uvicorn begins its own; others are answered before it."""
        if self.transport.is_closing():
            return
        parser: httptools.HttpRequestParser = self.parser  # pyright: ignore[reportAssignmentType]
        url, version = httptools.parse_url(self.url), parser.get_http_version()
        path = url.path.decode("ascii")
        self.scope["method"] = parser.get_method().decode("ascii")
        self.scope["http_version"] = version
        self.scope["path"] = unquote(path) if "%" in path else path
        self.scope["raw_path"] = url.path
        self.scope["query_string"] = url.query or b""
        self.cycle = self._cycle(keep_alive=version != "1.0" and parser.should_keep_alive())
        if self._unanswered:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self._app))
        else:
            self._start_asgi_task(self.cycle, self._app)
        self._in_head = False
        self._unanswered += 1
        if self._unanswered == 1:
            self._due = self._began + self._limits.read_timeout_s

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._whole = True
        if self._unanswered:
            self._due = self.loop.time() + self._limits.write_timeout_s
        elif not self.cycle.keep_alive:  # the rest of what was refused is swallowed
            self.transport.close()

    def on_response_complete(self) -> None:
        """Go on as uvicorn would, but for its timer of idle connections: they have `due`."""
        self.server_state.total_requests += 1
        self._unanswered -= 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        now = self.loop.time()
        if self._unanswered:  # the turn of a pipelined request
            self._due = now + self._limits.write_timeout_s
        elif self._in_head:
            self._expect_head()
        elif not self._whole:
            self._due = now + LINGER_S
        elif not self.transport.get_write_buffer_size():  # else the answer has yet to leave
            self._due = now + self._limits.idle_timeout_s

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  it is the library's sentence
        self._refuse(Invalid("invalid request"))

    # ---- ours ------------------------------------------------------------------------------------

    def _cycle(self, *, keep_alive: bool) -> Cycle:
        return Cycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=keep_alive,
            on_response=self.on_response_complete,
        )

    def _expect_head(self) -> None:
        self._began = self.loop.time()
        self._due = self._began + self._limits.header_timeout_s

    def _refuse(self, error: PasarError) -> None:
        """Answer, in the envelope too, what never becomes a request; and close."""
        exchange = begin(SystemClock(), self.client[0] if self.client else UNKNOWN, None)
        body = failure(exchange, error)
        headers = [
            *self.server_state.default_headers,
            *exchange.headers,
            *headers_of(error),
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
        ]
        lines = b"".join(b"%s: %s\r\n" % header for header in headers)
        self.transport.write(STATUS_LINE[status_of(error)] + lines + b"\r\n" + body)
        self.transport.close()
