"""
A lock that calms a crowd and guards nothing.

It has a lease, so a paused holder loses it without noticing, and whoever waits too long goes on
without it. What must not happen twice is refused by the database.
"""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, Protocol

from pasar.kit.redis import Redis, RedisUnavailable

# Far below a transaction of a crowd, some 10 ms; the jitter keeps waiters from asking in step.
POLL_S: Final = (0.001, 0.004)

# How long the next turn is kept for a waiter who asks no more: five of its polls.
TURN_MS: Final = 20

# KEYS the locks, then in the same order who is next at each; ARGV[1] the token, ARGV[2] the lease
# in ms, ARGV[3] how long a turn is kept. Turns too are taken all or none, so that no two waiters
# keep each other from the lock with half of them.
_TAKE_ALL_OR_NONE: Final = """
local found = redis.call('MGET', unpack(KEYS))
local held, others = false, false
for i = 1, #KEYS / 2 do
  held = held or found[i]
  local next = found[#KEYS / 2 + i]
  others = others or next and next ~= ARGV[1]
end
if others then return 0 end
for i = 1, #KEYS / 2 do
  if held then
    redis.call('SET', KEYS[#KEYS / 2 + i], ARGV[1], 'PX', ARGV[3])
  else
    redis.call('SET', KEYS[i], ARGV[1], 'PX', ARGV[2])
  end
end
if not held and found[#KEYS] then redis.call('DEL', unpack(KEYS, #KEYS / 2 + 1)) end
return held and 0 or 1
"""

# Sent as text, not as a hash: nobody waits for the reply, so nobody could repeat it.
_RELEASE: Final = """
for _, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[1] then redis.call('DEL', key) end
end
"""


class Lock(Protocol):
    def hold(self, names: Collection[str]) -> AbstractAsyncContextManager[None]:
        """Keep others who name one of these out of the block, as a rule; never raises."""
        ...


class CrowdLock:
    """
    The lock in Redis, on all names or none, for at most `lease_s`.

    `prefix` comes before each name and holds a hash tag, as in `{stock}:`, so that one script may
    take several. A holder is waited for at most `wait_s`; Redis being away is not waited for.
    Whoever waits is next: a holder who comes again at once, as a busy process does, queues behind.
    The release travels with whatever is sent to Redis next.

    >>> async def calm(lock: CrowdLock) -> None:
    ...     async with lock.hold(["apple", "pear"]):
    ...         ...  # as a rule nobody else is here with an apple or a pear
    """

    def __init__(self, redis: Redis, prefix: str, *, lease_s: float, wait_s: float) -> None:
        self._redis = redis
        self._prefix = prefix
        self._lease_ms = round(lease_s * 1000)
        self._wait_s = wait_s
        self._take_all_or_none = redis.script(_TAKE_ALL_OR_NONE)
        self._random = secrets.SystemRandom()

    @asynccontextmanager
    async def hold(self, names: Collection[str]) -> AsyncGenerator[None, None]:
        if not names:
            yield
            return
        keys = [f"{self._prefix}{name}" for name in sorted(set(names))]
        token = secrets.token_hex(16)
        perhaps_ours = True  # also when cancelled, or Redis goes, before the answer
        try:
            perhaps_ours = await self._take(keys, token)
            yield
        finally:
            if perhaps_ours:
                self._redis.send("EVAL", _RELEASE, len(keys), *keys, token)

    async def _take(self, keys: list[str], token: str) -> bool:
        """Return False when others hold the lock all the time, True when it may be ours."""
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + self._wait_s
        try:
            turns = [f"{key}:next" for key in keys]
            while not await self._take_all_or_none(keys + turns, [token, self._lease_ms, TURN_MS]):
                if loop.time() >= give_up_at:
                    return False
                await asyncio.sleep(self._random.uniform(*POLL_S))
        except RedisUnavailable:
            pass
        return True


class NoLock:
    """Lets everybody in: for the setting that switches the lock off."""

    @asynccontextmanager
    async def hold(self, names: Collection[str]) -> AsyncGenerator[None, None]:  # noqa: ARG002  the port's
        yield


_: tuple[type[Lock], ...] = (CrowdLock, NoLock)
