"""The versioned cache: the newest version stays, whoever writes last."""

import asyncio
import os
import random
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from signal import Signals

import pytest

from pasar.engines.valkey import Valkey
from pasar.kit.redis import Redis
from pasar.kit.versioned_cache import VersionedCache
from tests.fixtures.engines import new_valkey, run, started
from tests.fixtures.redis import settings_of, until_it_answers
from tests.waiting import eventually


@pytest.fixture
def cache(redis: Redis) -> VersionedCache:
    return VersionedCache(redis, "cart", ttl_s=60)


@pytest.fixture
def lasting_valkey(tmp_path: Path) -> Generator[Valkey]:
    """May be stopped and started again, with its data."""
    server = started(lambda: new_valkey(tmp_path, persistent=True))
    yield server
    run(server.stop())


@asynccontextmanager
async def process(server: Valkey) -> AsyncGenerator[VersionedCache]:
    """The cache of one process among several."""
    redis = Redis.open(settings_of(server.login))
    await until_it_answers(redis)
    yield VersionedCache(redis, "cart", ttl_s=60)
    await redis.close()


@asynccontextmanager
async def running(cache: VersionedCache) -> AsyncGenerator[None]:
    job = asyncio.create_task(cache.run())
    yield
    job.cancel()


async def test_what_was_put_is_got_until_it_is_replaced(cache: VersionedCache) -> None:
    assert await cache.get("ann") is None

    await cache.put("ann", 1, b"one", cache.epoch)
    assert await cache.get("ann") == b"one"

    await cache.put("ann", 2, b"two", cache.epoch)
    assert await cache.get("ann") == b"two"


async def test_an_older_version_never_replaces_a_newer_one(cache: VersionedCache) -> None:
    await cache.put("ann", 10, b"ten", cache.epoch)
    await cache.put("ann", 9, b"nine", cache.epoch)

    assert await cache.get("ann") == b"ten"


async def test_in_whatever_order_they_arrive_the_newest_stays(cache: VersionedCache) -> None:
    versions = random.sample(range(1, 2**63), 200)

    await asyncio.gather(
        *(cache.put("ann", version, b"%d" % version, cache.epoch) for version in versions)
    )

    assert await cache.get("ann") == b"%d" % max(versions)


async def test_a_dropped_copy_is_a_miss_that_older_fills_cannot_undo(
    cache: VersionedCache,
) -> None:
    await cache.put("ann", 4, b"four", cache.epoch)
    await cache.drop("ann", 5)
    assert await cache.get("ann") is None

    await cache.put("ann", 4, b"four", cache.epoch)
    assert await cache.get("ann") is None

    await cache.put("ann", 5, b"five", cache.epoch)
    assert await cache.get("ann") == b"five"


async def test_a_late_drop_leaves_the_newer_copy(cache: VersionedCache) -> None:
    await cache.put("ann", 6, b"six", cache.epoch)
    await cache.drop("ann", 5)

    assert await cache.get("ann") == b"six"


async def test_many_are_read_in_one_round_trip_and_in_their_order(
    cache: VersionedCache, redis: Redis
) -> None:
    await cache.put("ann", 1, b"hers", cache.epoch)
    await cache.put("bob", 1, b"his", cache.epoch)
    await cache.drop("eve", 1)
    before = redis.round_trips

    bodies = await cache.get_many(["bob", "nobody", "eve", "ann"])

    assert bodies == [b"his", None, None, b"hers"]
    assert await cache.get_many([]) == []
    assert redis.round_trips == before + 1


async def test_copies_and_tombstones_expire(cache: VersionedCache, redis: Redis) -> None:
    await cache.put("ann", 1, b"one", cache.epoch)
    await cache.drop("bob", 1)

    assert 59_000 < await redis.pttl("cart:ann") <= 60_000
    assert 59_000 < await redis.pttl("cart:bob") <= 60_000


async def test_without_redis_reads_miss_and_writes_are_skipped(own_valkey: Valkey) -> None:
    redis = Redis.open(settings_of(own_valkey.login))
    cache = VersionedCache(redis, "cart", ttl_s=60)
    await cache.put("ann", 1, b"one", cache.epoch)
    os.kill(own_valkey.child.pid, Signals.SIGKILL)
    await own_valkey.wait()

    await cache.put("ann", 2, b"two", cache.epoch)
    await cache.drop("ann", 3)

    assert await cache.get("ann") is None
    assert await cache.get_many(["ann", "bob"]) == [None, None]
    await redis.close()


async def test_raising_the_epoch_outdates_every_copy_in_every_process(
    cache: VersionedCache, redis: Redis
) -> None:
    another = VersionedCache(redis, "cart", ttl_s=60)
    await cache.put("ann", 1, b"hers", cache.epoch)
    await cache.put("bob", 1, b"his", cache.epoch)
    await another.outdate()

    assert await cache.get_many(["ann", "bob"]) == [None, None]

    await cache.put("ann", 1, b"hers again", cache.epoch)
    assert await another.get("ann") == b"hers again"


async def test_a_row_read_before_the_epoch_was_raised_is_not_shown_though_put_after_it(
    cache: VersionedCache,
) -> None:
    epoch = cache.epoch
    await cache.outdate()
    await cache.put("ann", 1, b"old", epoch)

    assert await cache.get("ann") is None


async def test_h22_a_copy_whose_drop_redis_missed_is_not_shown_once_the_epoch_is_raised(
    lasting_valkey: Valkey,
) -> None:
    async with process(lasting_valkey) as seller, process(lasting_valkey) as buyer:
        await seller.put("ann", 4, b"four", seller.epoch)
        await lasting_valkey.stop()
        await seller.drop("ann", 5)
        await lasting_valkey.start()

        async def back() -> bool:
            return await buyer.get("ann") is not None

        await eventually(back)  # the other process cannot know yet
        assert await seller.get("ann") is None

        async with running(seller):

            async def outdated() -> bool:
                return await buyer.get("ann") is None

            await eventually(outdated)
        await buyer.put("ann", 5, b"five", buyer.epoch)
        assert await seller.get("ann") == b"five"


async def test_h22_who_missed_a_write_asks_redis_nothing_until_it_has_raised_the_epoch(
    own_valkey: Valkey,
) -> None:
    redis = Redis.open(settings_of(own_valkey.login))
    cache = VersionedCache(redis, "cart", ttl_s=60)
    await own_valkey.stop()
    await cache.drop("ann", 5)
    await own_valkey.start()
    await until_it_answers(redis)
    before = redis.round_trips

    assert await cache.get("ann") is None
    assert redis.round_trips == before

    await cache.outdate()
    await cache.put("ann", 5, b"five", cache.epoch)
    assert await cache.get("ann") == b"five"
    await redis.close()


async def test_h22_what_a_killed_process_did_not_drop_is_outdated_by_its_successor(
    cache: VersionedCache, redis: Redis
) -> None:
    await cache.put("ann", 4, b"four", cache.epoch)
    async with running(VersionedCache(redis, "cart", ttl_s=60)):

        async def outdated() -> bool:
            return await cache.get("ann") is None

        await eventually(outdated)
