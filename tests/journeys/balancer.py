"""A balancer before several stores, as small as one can be that watches their readiness."""

import asyncio
from itertools import count

import httpx

from tests.journeys.shop import Command


class Balancer(httpx.AsyncBaseTransport):
    """Sends each request to the next store that was ready when last asked; repeats none."""

    def __init__(self, stores: list[Command]) -> None:
        self.ready = {store.port: True for store in stores}
        self._turn = count()
        self._inner = httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=64))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        ports = [port for port, ready in self.ready.items() if ready]
        request.url = request.url.copy_with(port=ports[next(self._turn) % len(ports)])
        return await self._inner.handle_async_request(request)

    async def watch(self) -> None:
        """Ask every store for its readiness, for ever."""
        async with httpx.AsyncClient(timeout=5) as probe:
            while True:
                for port in self.ready:
                    self.ready[port] = await is_ready(probe, port)
                await asyncio.sleep(0.05)

    async def trusts(self, store: Command) -> bool:
        return self.ready[store.port]

    async def aclose(self) -> None:
        await self._inner.aclose()


async def is_ready(probe: httpx.AsyncClient, port: int) -> bool:
    try:
        return (await probe.get(f"http://127.0.0.1:{port}/ready")).is_success
    except httpx.TransportError:
        return False
