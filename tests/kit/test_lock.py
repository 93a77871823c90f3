"""The crowd lock: one at a time as a rule, and nobody is ever stopped by it."""

import asyncio
import os
import time
from signal import Signals

import pytest

from pasar.engines.valkey import Valkey
from pasar.kit.lock import CrowdLock, NoLock
from pasar.kit.redis import Redis
from tests.fixtures.redis import settings_of


def crowd_lock(redis: Redis, *, lease_s: float = 10, wait_s: float = 10) -> CrowdLock:
    return CrowdLock(redis, "{stock}:", lease_s=lease_s, wait_s=wait_s)


class Room:
    """Counts how many are inside at once."""

    def __init__(self) -> None:
        self.inside = 0
        self.most = 0
        self.visits = 0

    async def visit(self, lock: CrowdLock | NoLock, names: list[str]) -> None:
        async with lock.hold(names):
            self.visits += 1
            self.inside += 1
            self.most = max(self.most, self.inside)
            await asyncio.sleep(0.001)
            self.inside -= 1


async def test_a_crowd_enters_one_by_one(redis: Redis) -> None:
    lock, room = crowd_lock(redis), Room()

    await asyncio.gather(*(room.visit(lock, ["apple"]) for _ in range(30)))

    assert (room.most, room.visits) == (1, 30)


async def test_locks_that_share_a_name_exclude_each_other_without_deadlock(redis: Redis) -> None:
    lock, room = crowd_lock(redis), Room()
    wishes = [["apple", "pear"], ["pear", "apple"], ["plum", "pear"], ["pear"]] * 5

    await asyncio.gather(*(room.visit(lock, wish) for wish in wishes))

    assert (room.most, room.visits) == (1, 20)


async def test_who_waits_is_let_in_before_who_comes_again_at_once(redis: Redis) -> None:
    lock, came = crowd_lock(redis), list[str]()

    async def come(name: str) -> None:
        async with lock.hold(["apple", "pear"]):
            came.append(name)
            while not await redis.exists("{stock}:apple:next"):
                await asyncio.sleep(0.001)
        if name == "busy":
            async with lock.hold(["apple"]):
                came.append("busy again")
                leave.set()

    leave = asyncio.Event()
    async with asyncio.timeout(10), asyncio.TaskGroup() as crowd:
        crowd.create_task(come("busy"))
        await asyncio.sleep(0)
        crowd.create_task(come("waiting"))
        await leave.wait()

    assert came == ["busy", "waiting", "busy again"]


async def test_a_turn_that_nobody_takes_is_given_to_others_soon(redis: Redis) -> None:
    lock, impatient = crowd_lock(redis), crowd_lock(redis, wait_s=0)
    async with lock.hold(["apple"]), impatient.hold(["apple"]):
        assert await redis.exists("{stock}:apple:next") == 1

    async with asyncio.timeout(5), lock.hold(["apple"]):
        assert await redis.exists("{stock}:apple") == 1


async def test_strangers_do_not_wait_for_each_other(redis: Redis) -> None:
    lock = crowd_lock(redis)

    async with lock.hold(["apple"]), asyncio.timeout(5), lock.hold(["pear"]):
        assert await redis.exists("{stock}:apple", "{stock}:pear") == 2


async def test_all_names_are_taken_or_none(redis: Redis) -> None:
    lock, impatient = crowd_lock(redis), crowd_lock(redis, wait_s=0)

    async with lock.hold(["pear"]), impatient.hold(["apple", "pear"]):
        assert await redis.exists("{stock}:apple") == 0


async def test_whoever_waits_too_long_goes_on_without_it(redis: Redis) -> None:
    lock, impatient = crowd_lock(redis), crowd_lock(redis, wait_s=0.1)

    async with lock.hold(["apple"]):
        began = time.monotonic()
        async with impatient.hold(["apple"]):
            waited_s = time.monotonic() - began

        assert 0.1 <= waited_s < 1
        assert await redis.exists("{stock}:apple") == 1  # the holder's, still


async def test_a_lease_ends_by_itself_and_its_late_holder_frees_nobody_elses(redis: Redis) -> None:
    short, long = crowd_lock(redis, lease_s=0.02), crowd_lock(redis)

    async with long.hold(["pear"]):
        async with short.hold(["apple"]):
            second = long.hold(["apple"])
            await second.__aenter__()
        assert await redis.exists("{stock}:apple") == 1
        await second.__aexit__(None, None, None)
        assert await redis.exists("{stock}:apple") == 0


async def test_taking_is_one_round_trip_and_the_release_travels_with_the_next_command(
    redis: Redis,
) -> None:
    lock = crowd_lock(redis)
    await redis.get("warm")
    async with lock.hold(["apple"]):
        pass
    await redis.get("something")
    before = redis.round_trips

    async with lock.hold(["apple", "pear"]):
        pass
    assert await redis.exists("{stock}:apple") == 0

    assert redis.round_trips == before + 2


async def test_a_holder_who_fails_or_is_cancelled_leaves_the_lock_free(redis: Redis) -> None:
    lock = crowd_lock(redis)
    with pytest.raises(ValueError, match="inside"):
        async with lock.hold(["apple"]):
            raise ValueError("inside")
    taking = asyncio.ensure_future(Room().visit(lock, ["apple"]))
    await asyncio.sleep(0)  # the script is on its way
    taking.cancel()
    await asyncio.wait([taking])

    assert await redis.exists("{stock}:apple") == 0


async def test_no_names_are_no_lock(redis: Redis) -> None:
    before = redis.round_trips

    async with crowd_lock(redis).hold([]):
        pass
    await asyncio.sleep(0)

    assert redis.round_trips == before


async def test_without_redis_everybody_goes_on_at_once(own_valkey: Valkey) -> None:
    redis = Redis.open(settings_of(own_valkey.login))
    lock, room = crowd_lock(redis), Room()
    async with lock.hold(["apple"]):
        os.kill(own_valkey.child.pid, Signals.SIGKILL)
        await own_valkey.wait()

    async with asyncio.timeout(5):
        await asyncio.gather(*(room.visit(lock, ["apple"]) for _ in range(20)))

    assert room.visits == 20
    await redis.close()


async def test_switched_off_it_lets_everybody_in() -> None:
    room = Room()

    await asyncio.gather(*(room.visit(NoLock(), ["apple"]) for _ in range(3)))

    assert room.most == 3
