"""The limiter, in Redis and in this process: one suite for both, then what only one can do."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import cast

import pytest

from pasar.engines.valkey import Valkey
from pasar.kit import ratelimit
from pasar.kit.ratelimit import Limiter, RateLimiter, Verdict
from pasar.kit.ratelimit_local import MAX_LOCAL_BUCKETS, LocalLimiter
from pasar.kit.redis import Redis, RedisUnavailable
from tests.fakes.clock import HeldClock
from tests.fixtures.redis import settings_of
from tests.journeys.frail import frozen

BUCKET = "public:192.0.2.1"
KEY = f"pasar:rate_limit:{BUCKET}"
Age = Callable[[float], Awaitable[None]]


@pytest.fixture(params=["redis", "local"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


@pytest.fixture
def limiter(kind: str, redis: Redis, clock: HeldClock) -> Limiter:
    return RateLimiter(redis) if kind == "redis" else LocalLimiter(clock)


@pytest.fixture
def age(kind: str, redis: Redis, clock: HeldClock) -> Age:
    """Let time pass for the bucket: its uses move into the past, as Redis' clock cannot be held."""

    async def in_redis(seconds: float) -> None:
        uses = cast("list[tuple[bytes, float]]", await redis.zrange(KEY, 0, -1, withscores=True))
        await redis.zadd(KEY, {member: at_us - seconds * 1_000_000 for member, at_us in uses})

    async def here(seconds: float) -> None:
        clock.advance(seconds)

    return in_redis if kind == "redis" else here


class TestEveryLimiter:
    async def test_d31_h52_of_six_hundred_at_once_exactly_the_limit_is_admitted(
        self, limiter: Limiter
    ) -> None:
        verdicts = await asyncio.gather(*(limiter.admit(BUCKET, 60) for _ in range(600)))

        assert sum(verdict.allowed for verdict in verdicts) == 60
        assert sorted(verdict.remaining for verdict in verdicts if verdict.allowed) == [*range(60)]
        assert {verdict.remaining for verdict in verdicts if not verdict.allowed} == {0}

    async def test_buckets_do_not_touch_each_other(self, limiter: Limiter) -> None:
        await limiter.admit(BUCKET, 1)

        assert (await limiter.admit("public:192.0.2.2", 1)).allowed
        assert not (await limiter.admit(BUCKET, 1)).allowed

    async def test_a_slot_frees_sixty_seconds_after_its_use(
        self, limiter: Limiter, age: Age
    ) -> None:
        await limiter.admit(BUCKET, 2)
        await age(40)
        await limiter.admit(BUCKET, 2)

        await age(19)
        assert not (await limiter.admit(BUCKET, 2)).allowed

        await age(1)
        assert (await limiter.admit(BUCKET, 2)).allowed
        assert not (await limiter.admit(BUCKET, 2)).allowed

    async def test_a_refusal_does_not_prolong_the_wait(self, limiter: Limiter, age: Age) -> None:
        await limiter.admit(BUCKET, 1)
        for _ in range(50):
            await age(1)
            assert not (await limiter.admit(BUCKET, 1)).allowed

        await age(10)

        assert (await limiter.admit(BUCKET, 1)).allowed

    async def test_a_refusal_says_when_to_come_again(
        self, limiter: Limiter, age: Age, kind: str, clock: HeldClock
    ) -> None:
        await limiter.admit(BUCKET, 1)
        await age(20.5)

        refused = await limiter.admit(BUCKET, 1)

        now = time.time() if kind == "redis" else clock.now().timestamp()
        assert 39 <= refused.retry_after_s <= 40
        assert now + 38 < refused.reset_at <= now + 41

    async def test_the_wait_is_never_given_as_nothing(self, limiter: Limiter, age: Age) -> None:
        await limiter.admit(BUCKET, 1)
        await age(59.9)

        assert (await limiter.admit(BUCKET, 1)).retry_after_s == 1

    async def test_h52_two_a_second_under_sixty_a_minute_are_not_starved(
        self, limiter: Limiter, age: Age
    ) -> None:
        admitted = 0
        for _ in range(240):
            admitted += (await limiter.admit(BUCKET, 60)).allowed
            await age(0.5)

        assert admitted >= 2 * 59

    async def test_a_lowered_limit_reports_the_slot_that_counts(
        self, limiter: Limiter, age: Age
    ) -> None:
        for _ in range(3):
            await limiter.admit(BUCKET, 3)
            await age(10)

        refused = await limiter.admit(BUCKET, 1)

        assert not refused.allowed
        assert refused.remaining == 0
        assert 49 <= refused.retry_after_s <= 50


class TestInRedis:
    async def test_one_use_is_one_round_trip(self, redis: Redis) -> None:
        limiter = RateLimiter(redis)
        await limiter.admit(BUCKET, 60)
        before = redis.round_trips

        await limiter.admit(BUCKET, 60)

        assert redis.round_trips == before + 1

    async def test_d31_h52_of_six_hundred_in_ten_processes_exactly_the_limit_is_admitted(
        self, redis: Redis
    ) -> None:
        processes = [RateLimiter(redis) for _ in range(10)]
        verdicts = await asyncio.gather(
            *(processes[number % 10].admit(BUCKET, 60) for number in range(600))
        )

        assert sum(verdict.allowed for verdict in verdicts) == 60

    async def test_a_flood_from_one_address_is_no_flood_of_calls(self, redis: Redis) -> None:
        """One at once, and all who came meanwhile together."""
        limiter = RateLimiter(redis)
        await limiter.admit(BUCKET, 60)
        before = redis.round_trips

        await asyncio.gather(*(limiter.admit(BUCKET, 60) for _ in range(50)))

        assert redis.round_trips == before + 2
        assert await redis.zcard(KEY) == 51

    async def test_in_company_the_first_to_come_are_admitted(self, redis: Redis) -> None:
        limiter = RateLimiter(redis)

        verdicts = await asyncio.gather(*(limiter.admit(BUCKET, 3) for _ in range(5)))

        assert [(each.allowed, each.remaining) for each in verdicts] == [
            (True, 2),
            (True, 1),
            (True, 0),
            (False, 0),
            (False, 0),
        ]

    async def test_a_crowd_beyond_one_call_is_several(
        self, redis: Redis, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ratelimit, "MOST_TOGETHER", 4)
        limiter = RateLimiter(redis)
        before = redis.round_trips

        await asyncio.gather(*(limiter.admit(BUCKET, 60) for _ in range(10)))

        assert redis.round_trips == before + 4
        assert await redis.zcard(KEY) == 10

    async def test_who_leaves_takes_nobody_along(self, redis: Redis) -> None:
        limiter = RateLimiter(redis)
        uses = [asyncio.create_task(limiter.admit(BUCKET, 60)) for _ in range(6)]
        await asyncio.sleep(0)
        uses[0].cancel()  # it made the call that the others wait for
        uses[2].cancel()

        verdicts = await asyncio.gather(*uses, return_exceptions=True)

        assert [isinstance(each, Verdict) for each in verdicts] == [
            number not in {0, 2} for number in range(6)
        ]
        assert (await limiter.admit(BUCKET, 60)).allowed

    async def test_who_waited_for_a_call_that_failed_does_not_wait_for_another(
        self, own_valkey: Valkey
    ) -> None:
        redis = Redis.open(replace(settings_of(own_valkey.login), timeout_s=0.3))
        limiter = RateLimiter(redis)
        await limiter.admit(BUCKET, 60)
        with frozen(own_valkey.child.pid):
            began = time.monotonic()
            uses = [limiter.admit(BUCKET, 60) for _ in range(5)]
            verdicts = await asyncio.gather(*uses, return_exceptions=True)
            took_s = time.monotonic() - began

        assert {type(each) for each in verdicts} == {RedisUnavailable}
        assert took_s < 0.6
        await redis.close()

    async def test_h52_the_window_holds_no_more_than_the_limit_and_expires(
        self, redis: Redis
    ) -> None:
        limiter = RateLimiter(redis)

        await asyncio.gather(*(limiter.admit(BUCKET, 5) for _ in range(20)))

        assert await redis.zcard(KEY) == 5
        assert 59_000 < await redis.pttl(KEY) <= 60_000


class TestInThisProcess:
    async def test_memory_is_bounded_by_forgetting_who_was_away_longest(
        self, clock: HeldClock
    ) -> None:
        limiter = LocalLimiter(clock)
        await limiter.admit("early", 1)
        await limiter.admit("busy", 1)
        for number in range(MAX_LOCAL_BUCKETS):
            await limiter.admit("busy", 1)
            await limiter.admit(f"bucket:{number}", 1)

        assert not (await limiter.admit("busy", 1)).allowed
        assert (await limiter.admit("early", 1)).allowed
