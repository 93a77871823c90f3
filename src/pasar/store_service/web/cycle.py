"""
One request of a connection and its answer, as uvicorn's protocol hands it to the application.

uvicorn sends the head of an answer and its body apart: two system calls and two packets, which cost
more than all else that it does. Here the head leaves with the first of the body, and the answers of
one turn of the event loop leave one after the other at its end: a client that is woken for each,
and falls asleep again while the next is made, costs both sides more (ADR 33). And an answer that
did not wait for its whole request says whether it is the connection's last.
"""

import asyncio
from collections.abc import Iterable
from typing import Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

# uvicorn describes ASGI by types of its own, private ones.
from uvicorn._types import ASGI3Application, ASGISendEvent  # isort: skip

from pasar.kit import log
from pasar.store_service.web.envelope import Header

SWALLOWED_BYTES: Final = 65_536
"""A body no longer than this is on its way already: it is let in, and the connection goes on."""

_CLOSE: Final[Header] = (b"connection", b"close")

_log: Final = log.get("http")


def _nothing() -> None: ...


class Cycle(RequestResponseCycle):
    """
    Sends what `envelope.begin_answer` begins: headers of our own making, which need no check.

    Each such answer bears its length, or has no body by its status: nothing is sent in chunks.
    """

    _head = b""
    _whole = False

    async def run_asgi(self, app: ASGI3Application) -> None:
        """Run the application; a connection whose answer is not whole is of no use any more."""
        try:
            await app(self.scope, self.receive, self.send)
        except Exception:  # noqa: BLE001  the connection ends, the process lives
            _log.exception("answer broken off")
        finally:
            if not self._whole:
                self.transport.close()
                self.on_response = _nothing  # else cycle and connection would keep each other

    async def send(self, message: ASGISendEvent) -> None:
        """Keep the head until there is some body, and send it on; nothing to a client that left."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if message["type"] == "http.response.start":
            self._head = self._head_of(message["status"], message.get("headers", ()))
        elif message["type"] == "http.response.body":
            body = b"" if self.scope["method"] == "HEAD" else message.get("body", b"")
            part, self._head = self._head + body, b""
            if message.get("more_body", False):
                self.transport.write(part)
            else:
                self._whole = True
                asyncio.get_running_loop().call_soon(self._leave, part)

    def _head_of(self, status: int, headers: Iterable[Header]) -> bytes:
        if self.more_body and (self.waiting_for_100_continue or not self._is_short()):
            self.keep_alive = False
        self.waiting_for_100_continue = False  # the answer is here without the rest of the request
        end = () if self.keep_alive else (_CLOSE,)
        lines = [b"%b: %b\r\n" % line for line in (*self.default_headers, *headers, *end)]
        return STATUS_LINE[status] + b"".join(lines) + b"\r\n"

    def _is_short(self) -> bool:
        announced = dict(self.scope["headers"]).get(b"content-length")
        return announced is not None and int(announced) <= SWALLOWED_BYTES

    def _leave(self, part: bytes) -> None:
        if not self.disconnected:
            self.transport.write(part)
            if not self.keep_alive:
                self._end()
        self.response_complete = True
        self.message_event.set()
        self.on_response()
        self.on_response = _nothing

    def _end(self) -> None:
        if self.more_body:  # a client that still sends would miss the answer: see LINGER_S
            self.transport.write_eof()
        else:
            self.transport.close()
