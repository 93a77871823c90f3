"""Dialling: on demand, once for all who wait, with a pause after each failure."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from pasar.kit.redis_connection import RedisUnavailable
from pasar.kit.redis_transport import RedisTransport

TIMEOUT_S = 0.1
Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def rude(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


class Listener:
    """A server that is no Redis, and counts who dials it."""

    def __init__(self) -> None:
        self.dials = 0
        self.port = 0
        self.handle: Handle = silent

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.dials += 1
        await self.handle(reader, writer)


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    listener = Listener()
    server = await asyncio.start_server(listener.accept, "127.0.0.1", 0)
    listener.port = server.sockets[0].getsockname()[1]
    yield listener
    server.close()
    await server.wait_closed()


def dialler(listener: Listener) -> RedisTransport:
    return RedisTransport("127.0.0.1", listener.port, password="", db=0, timeout_s=TIMEOUT_S)


async def test_all_who_wait_share_one_dial(listener: Listener) -> None:
    transport = dialler(listener)

    replies = await asyncio.gather(
        *(transport.execute("PING") for _ in range(50)), return_exceptions=True
    )

    assert {type(reply) for reply in replies} == {RedisUnavailable}
    assert listener.dials == 1


async def test_a_server_that_never_greets_costs_the_time_limit_once(listener: Listener) -> None:
    transport = dialler(listener)
    began = time.monotonic()

    with pytest.raises(RedisUnavailable, match="cannot connect"):
        await transport.execute("PING")
    waited_s = time.monotonic() - began
    with pytest.raises(RedisUnavailable, match="cannot connect"):
        await transport.execute("PING")

    assert TIMEOUT_S <= waited_s < 10 * TIMEOUT_S
    assert listener.dials == 1


async def test_dials_grow_rarer(listener: Listener) -> None:
    listener.handle = rude
    transport = dialler(listener)
    end_at = time.monotonic() + 0.5

    while time.monotonic() < end_at:
        with pytest.raises(RedisUnavailable):
            await transport.execute("PING")
        await asyncio.sleep(0.001)

    assert 2 <= listener.dials <= 5  # at 0, 50, 150, 350 ms


async def test_a_caller_who_leaves_does_not_take_the_dial_along(listener: Listener) -> None:
    transport = dialler(listener)
    leaving = asyncio.create_task(transport.execute("PING"))
    staying = asyncio.create_task(transport.execute("PING"))
    await asyncio.sleep(0.01)

    leaving.cancel()

    with pytest.raises(RedisUnavailable):
        await staying
    assert listener.dials == 1


async def test_closing_during_a_dial_ends_it(listener: Listener) -> None:
    transport = dialler(listener)
    waiting = asyncio.create_task(transport.execute("PING"))
    await asyncio.sleep(0.01)

    await transport.close()

    with pytest.raises(RedisUnavailable):
        await waiting
