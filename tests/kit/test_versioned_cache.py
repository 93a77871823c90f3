"""The versioned cache: the newest version stays, whoever writes last."""

import asyncio
import os
import random
from signal import Signals

import pytest

from pasar.engines.valkey import Valkey
from pasar.kit.redis import Redis
from pasar.kit.versioned_cache import VersionedCache
from tests.fixtures.redis import settings_of


@pytest.fixture
def cache(redis: Redis) -> VersionedCache:
    return VersionedCache(redis, "cart", ttl_s=60)


async def test_what_was_put_is_got_until_it_is_replaced(cache: VersionedCache) -> None:
    assert await cache.get("ann") is None

    await cache.put("ann", 1, b"one")
    assert await cache.get("ann") == b"one"

    await cache.put("ann", 2, b"two")
    assert await cache.get("ann") == b"two"


async def test_an_older_version_never_replaces_a_newer_one(cache: VersionedCache) -> None:
    await cache.put("ann", 10, b"ten")
    await cache.put("ann", 9, b"nine")

    assert await cache.get("ann") == b"ten"


async def test_in_whatever_order_they_arrive_the_newest_stays(cache: VersionedCache) -> None:
    versions = random.sample(range(1, 2**63), 200)

    await asyncio.gather(*(cache.put("ann", version, b"%d" % version) for version in versions))

    assert await cache.get("ann") == b"%d" % max(versions)


async def test_a_dropped_copy_is_a_miss_that_older_fills_cannot_undo(
    cache: VersionedCache,
) -> None:
    await cache.put("ann", 4, b"four")
    await cache.drop("ann", 5)
    assert await cache.get("ann") is None

    await cache.put("ann", 4, b"four")
    assert await cache.get("ann") is None

    await cache.put("ann", 5, b"five")
    assert await cache.get("ann") == b"five"


async def test_a_late_drop_leaves_the_newer_copy(cache: VersionedCache) -> None:
    await cache.put("ann", 6, b"six")
    await cache.drop("ann", 5)

    assert await cache.get("ann") == b"six"


async def test_many_are_read_in_one_round_trip_and_in_their_order(
    cache: VersionedCache, redis: Redis
) -> None:
    await cache.put("ann", 1, b"hers")
    await cache.put("bob", 1, b"his")
    await cache.drop("eve", 1)
    before = redis.round_trips

    bodies = await cache.get_many(["bob", "nobody", "eve", "ann"])

    assert bodies == [b"his", None, None, b"hers"]
    assert await cache.get_many([]) == []
    assert redis.round_trips == before + 1


async def test_a_copy_may_live_longer_than_the_others(cache: VersionedCache, redis: Redis) -> None:
    await cache.put("ann", 1, b"one", ttl_s=600)

    assert await redis.pttl("cart:ann") > 60_000


async def test_copies_and_tombstones_expire(cache: VersionedCache, redis: Redis) -> None:
    await cache.put("ann", 1, b"one")
    await cache.drop("bob", 1)

    assert 59_000 < await redis.pttl("cart:ann") <= 60_000
    assert 59_000 < await redis.pttl("cart:bob") <= 60_000


async def test_without_redis_reads_miss_and_writes_are_skipped(own_valkey: Valkey) -> None:
    redis = Redis.open(settings_of(own_valkey.login))
    cache = VersionedCache(redis, "cart", ttl_s=60)
    await cache.put("ann", 1, b"one")
    os.kill(own_valkey.child.pid, Signals.SIGKILL)
    await own_valkey.wait()

    await cache.put("ann", 2, b"two")
    await cache.drop("ann", 3)

    assert await cache.get("ann") is None
    assert await cache.get_many(["ann", "bob"]) == [None, None]
    await redis.close()
