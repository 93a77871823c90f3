"""Redis tells what others write, and a lost connection tells that anything may have been."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from pasar.engines.valkey_login import ValkeyLogin
from pasar.kit.redis import Redis
from pasar.kit.redis_tracking import Tracking
from tests.fixtures.redis import settings_of


class Ear:
    """What one listener was told."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[str | None] = asyncio.Queue()

    async def next(self) -> str | None:
        async with asyncio.timeout(10):
            return await self.told.get()


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
async def listening(redis: Redis, valkey: ValkeyLogin, ear: Ear) -> AsyncIterator[Redis]:
    """A client that is told of `toy:`."""
    await redis.ping()  # which has flushed the server before
    client = Redis.open(settings_of(valkey))
    client.tracking.watch("toy:", ear.told.put_nowait)
    await client.ping()
    yield client
    await client.close()


async def test_a_write_of_somebody_else_is_told_by_its_key(
    listening: Redis, redis: Redis, ear: Ear
) -> None:
    assert listening.tracking.live

    await redis.set("game:1", b"chess")
    await redis.set("toy:1", b"bear")
    await redis.delete("toy:1")

    assert [await ear.next(), await ear.next()] == ["1", "1"]


@pytest.mark.usefixtures("listening")
async def test_what_expires_is_told(redis: Redis, ear: Ear) -> None:
    await redis.set("toy:2", b"bear", px=1)

    assert [await ear.next(), await ear.next()] == ["2", "2"]


@pytest.mark.usefixtures("listening")
async def test_an_emptied_server_outdates_everything(redis: Redis, ear: Ear) -> None:
    await redis.flushall()

    assert await ear.next() is None


async def test_from_a_loss_to_the_next_connection_nothing_is_known(
    listening: Redis, redis: Redis, ear: Ear
) -> None:
    await redis.client_kill_filter(_type="normal", skipme=True)

    assert await ear.next() is None
    assert not listening.tracking.live

    await listening.ping()
    assert listening.tracking.live
    await redis.set("toy:3", b"bear")
    assert await ear.next() == "3"


def test_nobody_asks_to_be_told_when_nobody_listens() -> None:
    assert Tracking().command() == ()
