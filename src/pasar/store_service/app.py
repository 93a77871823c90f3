"""
The web process: rows and handlers made into an application, and its order of start and stop.

Which parts there are, and how they are made, is `main.py`'s affair.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final

from starlette.types import ASGIApp

from pasar.kit import log
from pasar.kit.clock import Clock
from pasar.store_service.web.address import Clients
from pasar.store_service.web.cors import Cors
from pasar.store_service.web.middleware import Edge, EdgeSettings
from pasar.store_service.web.pipeline import Guard, table
from pasar.store_service.web.route import Route
from pasar.store_service.web.server import ServerSettings, serve

CLOSE_TIMEOUT_S: Final = 5.0
"""For each part at the end; no request waits for it any more, so a part that hangs is left."""

_log: Final = log.get("app")


def build(
    rows: Iterable[Route],
    handlers: Sequence[object],
    *,
    guard: Guard,
    files: Mapping[str, ASGIApp],
    clients: Clients,
    cors: Cors,
    clock: Clock,
    settings: EdgeSettings,
) -> Edge:
    """
    Return the whole application; `files` are read only, by path.

    Raises LookupError or ValueError for a wrong table of rows.
    """
    paths = table(rows, handlers, guard, files)
    return Edge(paths, clients=clients, cors=cors, clock=clock, settings=settings)


async def run(
    app: ASGIApp,
    listener: socket.socket,
    settings: ServerSettings,
    *,
    stop: asyncio.Event,
    drain: Callable[[], None],
    closers: Mapping[str, Callable[[], Awaitable[None]]],
) -> None:
    """
    Serve until `stop` is set, then close the parts in the order given (contract D49).

    HTTP is drained first: the closers run when no request can need their part. One that fails or
    hangs is logged and does not keep the others open.
    """
    try:
        await serve(app, listener, settings, stop=stop, drain=drain)
    finally:
        for name, close in closers.items():
            await _closed(name, close)


async def _closed(name: str, close: Callable[[], Awaitable[None]]) -> None:
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await close()
    except Exception:  # noqa: BLE001  at the end every fault of a part is only worth a line
        _log.exception("part did not close", part=name)
