"""
Sliding windows of 60 s: how often a bucket was used, and whether once more is allowed.

In Redis for all processes together, or in this process alone. What a bucket is, which limits
apply and what to do when Redis is away is the caller's to say.
"""

from collections import OrderedDict, deque
from typing import Final, Protocol, cast

import msgspec

from pasar.kit.clock import Clock
from pasar.kit.redis import Redis

WINDOW_S: Final = 60
_WINDOW_US: Final = WINDOW_S * 1_000_000
# About 10 MB at ten uses each; an address that is crowded out begins a new window.
MAX_LOCAL_BUCKETS: Final = 10_000
# Not the `rate_limit:` of the earlier service, whose members are milliseconds.
_PREFIX: Final = "pasar:rate_limit:"


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


class Limiter(Protocol):
    async def admit(self, bucket: str, limit: int) -> Verdict:
        """
        Use the bucket once if that leaves at most `limit` (≥ 1) uses within the last 60 s.

        A refusal uses nothing. Raises kit.errors.Unavailable when the store is away.
        """
        ...


# KEYS[1] the bucket; ARGV[1] limit, ARGV[2] window in µs. A member is its time and its place in
# the window: two uses within one microsecond differ by the second, so none is lost.
_ADMIT: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local limit, window = tonumber(ARGV[1]), tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
local taken = redis.call('ZCARD', KEYS[1])
local allowed = 0
if taken < limit then
  allowed, taken = 1, taken + 1
  redis.call('ZADD', KEYS[1], now, string.format('%.0f:%d', now, taken))
  redis.call('PEXPIRE', KEYS[1], window / 1000)
end
local first = math.max(0, taken - limit)
local oldest = redis.call('ZRANGE', KEYS[1], first, first, 'WITHSCORES')
return {allowed, taken, now, oldest[2] + window - now}
"""


class RateLimiter:
    """
    The windows in Redis, one sorted set and one script per use, by Redis' own clock.

    >>> async def visit(limiter: RateLimiter) -> bool:
    ...     return (await limiter.admit("public:192.0.2.1", 60)).allowed
    """

    def __init__(self, redis: Redis) -> None:
        self._admit = redis.script(_ADMIT)

    async def admit(self, bucket: str, limit: int) -> Verdict:
        reply = await self._admit([f"{_PREFIX}{bucket}"], [limit, _WINDOW_US])
        allowed, taken, now_us, wait_us = cast("list[int]", reply)
        return Verdict.of(
            allowed=bool(allowed), limit=limit, taken=taken, now_us=now_us, wait_us=wait_us
        )


class LocalLimiter:
    """The windows of this process alone: for when Redis is away, and for tests."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._windows: OrderedDict[str, deque[int]] = OrderedDict()

    async def admit(self, bucket: str, limit: int) -> Verdict:
        now = round(self._clock.monotonic() * 1_000_000)
        uses = self._window(bucket)
        while uses and uses[0] <= now - _WINDOW_US:
            uses.popleft()
        allowed = len(uses) < limit
        if allowed:
            uses.append(now)
        wait_us = uses[max(0, len(uses) - limit)] + _WINDOW_US - now
        now_us = round(self._clock.now().timestamp() * 1_000_000)
        return Verdict.of(
            allowed=allowed, limit=limit, taken=len(uses), now_us=now_us, wait_us=wait_us
        )

    def _window(self, bucket: str) -> deque[int]:
        uses = self._windows.setdefault(bucket, deque())
        self._windows.move_to_end(bucket)
        if len(self._windows) > MAX_LOCAL_BUCKETS:
            self._windows.popitem(last=False)
        return uses


def _whole_seconds(microseconds: int) -> int:
    """Round up: a slot is never promised before it is free."""
    return -(-microseconds // 1_000_000)


_: tuple[type[Limiter], ...] = (RateLimiter, LocalLimiter)
