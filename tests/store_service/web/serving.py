"""The toy shop on a real socket."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pasar.store_service.web.protocol import ConnectionLimits
from pasar.store_service.web.server import ServerSettings, serve
from tests.store_service.web.toy import ToyShop

LIMITS = ConnectionLimits(
    header_timeout_s=5,
    read_timeout_s=15,
    write_timeout_s=35,
    idle_timeout_s=5,
    max_connections=100,
    max_head_bytes=65_536,
)
SETTINGS = ServerSettings(connection=LIMITS, drain_delay_s=0, shutdown_timeout_s=5)


class Running:
    """A served shop: its address, what stops it, and whether it was drained."""

    def __init__(self, shop: ToyShop, settings: ServerSettings) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.stop = asyncio.Event()
        self.drained = asyncio.Event()
        self.ended = asyncio.create_task(
            serve(shop.app, self.listener, settings, stop=self.stop, drain=self.drained.set)
        )

    async def exchange(self, raw: bytes) -> bytes:
        """Send raw bytes on a connection of their own; return all that comes until it closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(raw)
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer


@asynccontextmanager
async def running(shop: ToyShop, settings: ServerSettings = SETTINGS) -> AsyncIterator[Running]:
    server = Running(shop, settings)
    try:
        yield server
    finally:
        server.stop.set()
        shop.toys.gate.set()
        await server.ended


def request(method: str, path: str, headers: str = "Connection: close\r\n") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: shop\r\n{headers}\r\n".encode()
