"""
Sliding windows of 60 s: how often a bucket was used, and whether once more is allowed.

In Redis, for all processes together; `ratelimit_local.py` counts for one alone. What a bucket is,
which limits apply and what to do when Redis is away is the caller's to say.
"""

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol, cast

import msgspec

from pasar.kit.redis import Redis

WINDOW_S: Final = 60
WINDOW_US: Final = WINDOW_S * 1_000_000
# Not the `rate_limit:` of the earlier service, whose members are milliseconds.
_PREFIX: Final = "pasar:rate_limit:"

MOST_TOGETHER: Final = 500
"""Uses in one call: it holds Redis up for less than a millisecond."""

Bucket = tuple[str, int]  # its name and its limit


class Verdict(msgspec.Struct, frozen=True):
    """
    The answer of a limiter, in the terms of its headers.

    `reset_at` is the Unix second at which the next slot frees, `retry_after_s` the whole seconds
    until then, at least 1.
    """

    allowed: bool
    limit: int
    remaining: int
    reset_at: int
    retry_after_s: int

    @classmethod
    def of(cls, *, allowed: bool, limit: int, taken: int, now_us: int, wait_us: int) -> "Verdict":
        """Express uses within the window, Unix time, and time until the next slot in µs."""
        return cls(
            allowed=allowed,
            limit=limit,
            remaining=max(0, limit - taken),
            reset_at=_whole_seconds(now_us + wait_us),
            retry_after_s=max(1, _whole_seconds(wait_us)),
        )


Waiting = asyncio.Future[Verdict]


class Limiter(Protocol):
    async def admit(self, bucket: str, limit: int) -> Verdict:
        """
        Use the bucket once if that leaves at most `limit` (≥ 1) uses within the last 60 s.

        A refusal uses nothing. Raises kit.errors.Unavailable when the store is away.
        """
        ...


# KEYS[1] the bucket; ARGV: limit, window in µs, uses wanted. Returns how many uses the window held,
# how many more it takes now, the time, and how long until the next slot. A member is its time and
# its place in the window: two uses within one microsecond differ by the second, so none is lost.
_ADMIT: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local limit, window, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
local taken = redis.call('ZCARD', KEYS[1])
local admitted = math.max(0, math.min(wanted, limit - taken))
if admitted > 0 then
  local uses = {}
  for place = taken + 1, taken + admitted do
    uses[#uses + 1] = now
    uses[#uses + 1] = string.format('%.0f:%d', now, place)
  end
  redis.call('ZADD', KEYS[1], unpack(uses))
  redis.call('PEXPIRE', KEYS[1], window / 1000)
end
local first = math.max(0, taken + admitted - limit)
local oldest = redis.call('ZRANGE', KEYS[1], first, first, 'WITHSCORES')
return {taken, admitted, now, oldest[2] + window - now}
"""


class RateLimiter:
    """
    The windows in Redis, one sorted set and one script per use, by Redis' own clock.

    Uses of one bucket that come while a call for it is under way go together with the next one: a
    flood from one address is no flood of calls (ADR 34). First come, first admitted, all the same.

    >>> async def visit(limiter: RateLimiter) -> bool:
    ...     return (await limiter.admit("public:192.0.2.1", 60)).allowed
    """

    def __init__(self, redis: Redis) -> None:
        self._admit = redis.script(_ADMIT)
        self._waiting: dict[Bucket, list[Waiting]] = {}
        self._calls: set[asyncio.Task[None]] = set()

    async def admit(self, bucket: str, limit: int) -> Verdict:
        place = (bucket, limit)
        if (company := self._waiting.get(place)) is not None:
            verdict: Waiting = asyncio.get_running_loop().create_future()
            company.append(verdict)
            return await verdict
        self._waiting[place] = []
        return (await self._lead(place, 1))[0]

    async def _lead(self, place: Bucket, wanted: int) -> Sequence[Verdict]:
        """Make one call; those who came meanwhile share its failure, or are the next call."""
        try:
            return await self._used(place, wanted)
        except Exception as fault:
            _fail(self._waiting[place], fault)
            raise
        finally:
            self._go_on(place)

    def _go_on(self, place: Bucket) -> None:
        if company := [each for each in self._waiting.pop(place) if not each.done()]:
            self._waiting[place] = company[MOST_TOGETHER:]
            call = asyncio.create_task(self._together(place, company[:MOST_TOGETHER]))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)

    async def _together(self, place: Bucket, company: Sequence[Waiting]) -> None:
        try:
            verdicts = await self._lead(place, len(company))
        except Exception as fault:  # noqa: BLE001  each of them gets it, as if it had asked alone
            _fail(company, fault)
            return
        for each, verdict in zip(company, verdicts, strict=True):
            if not each.done():  # else its request is gone; the use counts, as it would have
                each.set_result(verdict)

    async def _used(self, place: Bucket, wanted: int) -> Sequence[Verdict]:
        bucket, limit = place
        reply = await self._admit([f"{_PREFIX}{bucket}"], [limit, WINDOW_US, wanted])
        taken, admitted, now_us, wait_us = cast("list[int]", reply)
        return [
            Verdict.of(
                allowed=use <= admitted,
                limit=limit,
                taken=taken + min(use, admitted),
                now_us=now_us,
                wait_us=wait_us,
            )
            for use in range(1, wanted + 1)
        ]


def _fail(company: Sequence[Waiting], fault: Exception) -> None:
    for each in company:
        if not each.done():
            each.set_exception(fault)


def _whole_seconds(microseconds: int) -> int:
    """Round up: a slot is never promised before it is free."""
    return -(-microseconds // 1_000_000)


_: type[Limiter] = RateLimiter
