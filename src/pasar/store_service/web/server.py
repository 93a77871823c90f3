"""
uvicorn as we run it: on a listening socket made by somebody else, stopped by an event.

The socket is inherited so that several processes share one port and a restart loses no connection.
"""

import asyncio
import math
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from pasar.kit.clock import SystemClock
from pasar.kit.errors import Invalid
from pasar.store_service.web.address import UNKNOWN
from pasar.store_service.web.envelope import failure
from pasar.store_service.web.middleware import begin


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """
    The limits of a server, in seconds.

    `idle_timeout_s`: a kept-alive connection is closed after so long without a request.
    `drain_delay_s`: from "not ready" to the closing of the listener, as balancers learn late.
    `shutdown_timeout_s`: from there on, for running requests; what still runs is answered 503.
    """

    idle_timeout_s: float
    drain_delay_s: float
    shutdown_timeout_s: float


class EnvelopeProtocol(HttpToolsProtocol):
    """uvicorn's protocol, whose own refusal of unreadable requests is plain text."""

    def send_400_response(self, msg: str) -> None:
        exchange = begin(SystemClock(), self.client[0] if self.client else UNKNOWN, None)
        body = failure(exchange, Invalid(msg))
        headers = [
            *self.server_state.default_headers,
            *exchange.headers,
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
        ]
        lines = b"".join(b"%s: %s\r\n" % header for header in headers)
        self.transport.write(STATUS_LINE[HTTPStatus.BAD_REQUEST] + lines + b"\r\n" + body)
        self.transport.close()


class EventServer(uvicorn.Server):
    """A server that leaves the signals to its process."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


async def serve(
    app: ASGIApp,
    listener: socket.socket,
    settings: ServerSettings,
    *,
    stop: asyncio.Event,
    drain: Callable[[], None],
) -> None:
    """
    Serve until `stop` is set; then drain, close the listener, and let running requests finish.

    Returns when the last request is answered, at the latest after both delays of the settings.
    """
    server = EventServer(_config(app, settings))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve(sockets=[listener]))
        await stop.wait()
        drain()
        await asyncio.sleep(settings.drain_delay_s)
        server.should_exit = True


def _config(app: ASGIApp, settings: ServerSettings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=EnvelopeProtocol,
        ws="none",
        lifespan="off",
        log_config=None,  # kit/log.py has set up logging
        access_log=False,  # the middleware's line knows more
        server_header=False,
        proxy_headers=False,  # web/address.py believes only configured proxies
        timeout_keep_alive=math.ceil(settings.idle_timeout_s),
        timeout_graceful_shutdown=math.ceil(settings.shutdown_timeout_s),
    )
