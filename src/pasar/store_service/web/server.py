"""
uvicorn as we run it: on a listening socket that others use too, stopped by an event.

The socket is inherited so that several processes share one port and a restart loses no connection.
"""

import asyncio
import math
import resource
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final, cast

import uvicorn
from starlette.types import ASGIApp

from pasar.store_service.web.accepting import Doorkeeper
from pasar.store_service.web.protocol import ConnectionLimits, GuardedProtocol

SPARE_FILES: Final = 100
"""Of the process's file limit: engines, logs, pictures; the rest is for connections."""

_LOOKS_PER_DEADLINE: Final = 10  # so a connection is cut at most a tenth of a deadline late


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """
    What a server may take: each connection, and its own end, in seconds.

    `drain_delay_s`: from "not ready" to the closing of the listener, as balancers learn late.
    `shutdown_timeout_s`: from there on, for running requests; what still runs is answered 503.
    """

    connection: ConnectionLimits
    drain_delay_s: float
    shutdown_timeout_s: float


class EventServer(uvicorn.Server):
    """A server that leaves the signals to its process, and the listener to a doorkeeper."""

    def __init__(self, config: uvicorn.Config, listener: socket.socket) -> None:
        super().__init__(config)
        self._door = Doorkeeper(listener, self._new_protocol)

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._door.open()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._door.close()
        await super().shutdown(sockets)

    def _new_protocol(self) -> asyncio.Protocol:
        """Return what handles one more connection, made as for a listener of uvicorn's."""
        make = cast("Callable[..., asyncio.Protocol]", self.config.http_protocol_class)
        return make(self.config, self.server_state, self.lifespan.state)


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
    server = EventServer(_config(app, settings), listener)
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(server.serve(sockets=[]))
        looking = tasks.create_task(_cut_overdue(server, settings.connection))
        serving.add_done_callback(lambda _: looking.cancel())
        await stop.wait()
        drain()
        await asyncio.sleep(settings.drain_delay_s)
        server.should_exit = True


def connections_allowed(wanted: int) -> int:
    """Return `wanted`, or fewer if the process may not open so many files."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if files == resource.RLIM_INFINITY else max(1, min(wanted, files - SPARE_FILES))


async def _cut_overdue(server: uvicorn.Server, limits: ConnectionLimits) -> None:
    shortest = min(limits.header_timeout_s, limits.read_timeout_s, limits.write_timeout_s)
    while True:
        await asyncio.sleep(shortest / _LOOKS_PER_DEADLINE)
        now = asyncio.get_running_loop().time()
        connections = cast("set[GuardedProtocol]", server.server_state.connections)
        for connection in tuple(connections):
            connection.cut_if_overdue(now)


def _config(app: ASGIApp, settings: ServerSettings) -> uvicorn.Config:
    limits = settings.connection
    return uvicorn.Config(
        app,
        http=partial(GuardedProtocol, limits=limits),  # type: ignore[arg-type]  # it is only called
        ws="none",
        lifespan="off",
        log_config=None,  # kit/log.py has set up logging
        access_log=False,  # the middleware's line knows more
        server_header=False,
        proxy_headers=False,  # web/address.py believes only configured proxies
        timeout_keep_alive=math.ceil(limits.idle_timeout_s),  # the protocol's own is exact
        timeout_graceful_shutdown=math.ceil(settings.shutdown_timeout_s),
    )
