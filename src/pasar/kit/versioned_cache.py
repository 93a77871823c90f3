"""
Copies of rows in Redis that know their version, so that a slow writer cannot bring back the past.

One string key each: the version as twenty digits, the epoch, then the body. One more key holds the
epoch of them all: raising it outdates every copy at once, also those that nobody could reach while
Redis was away. Decides nothing: whoever must be right reads the database.
"""

import asyncio
from collections.abc import Sequence
from typing import Final, NewType
from uuid import uuid4

from pasar.kit.redis import Redis, RedisUnavailable

Epoch = NewType("Epoch", bytes)
"""A mark: never the same one twice."""

_DIGITS: Final = 20  # of 2**64, so that versions compare as text
_FIRST_EPOCH: Final = Epoch(bytes(16))  # before anybody has raised it
_HEAD_BYTES: Final = _DIGITS + len(_FIRST_EPOCH)
_RETRY_S: Final = 0.25  # the breaker before Redis keeps the tries cheap

# KEYS[1] the key; ARGV[1] version, epoch and body, ARGV[2] time to live in ms.
_PUT_UNLESS_NEWER: Final = f"""
if redis.call('GETRANGE', KEYS[1], 0, {_DIGITS - 1}) > string.sub(ARGV[1], 1, {_DIGITS}) then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""


class VersionedCache:
    """
    Bodies by key, under `prefix`, for at most `ttl_s` seconds each.

    Never raises when Redis is away: reads miss, writes are skipped. What was skipped may have left
    an old copy there, so after a failed command reads miss until this process has raised the epoch,
    which takes `run` in the background. Bodies are never empty.

    >>> async def later_wins(cache: VersionedCache) -> bytes | None:
    ...     epoch = cache.epoch
    ...     await cache.put("cart", 8, b"new", epoch)
    ...     await cache.put("cart", 7, b"old", epoch)
    ...     return await cache.get("cart")  # b"new"
    """

    def __init__(self, redis: Redis, prefix: str, ttl_s: float) -> None:
        self._redis = redis
        self._prefix = prefix
        self._ttl_ms = round(ttl_s * 1000)
        self._put_unless_newer = redis.script(_PUT_UNLESS_NEWER)
        self._epoch_name = f"{prefix}-epoch"
        self._epoch = _FIRST_EPOCH
        self._faults = 0
        self._in_doubt = asyncio.Event()

    @property
    def epoch(self) -> Epoch:
        """The epoch last seen here. Take it before reading the row that is to be put."""
        return self._epoch

    async def get(self, key: str) -> bytes | None:
        """Return the body, or None for a miss."""
        return (await self.get_many([key]))[0]

    async def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return the bodies in the order of their keys, in one command."""
        if not keys:
            return []
        if self._in_doubt.is_set():
            return [None] * len(keys)
        try:
            *values, epoch = await self._redis.mget([*map(self._name, keys), self._epoch_name])
        except RedisUnavailable:
            self._doubt()
            return [None] * len(keys)
        self._epoch = Epoch(epoch) if isinstance(epoch, bytes) else _FIRST_EPOCH
        return [_body(value, self._epoch) for value in values]

    async def put(self, key: str, version: int, body: bytes, epoch: Epoch) -> None:
        """Store the body of a row read in `epoch`, unless a newer version or tombstone is there."""
        value = b"%0*d%b%b" % (_DIGITS, version, epoch, body)
        try:
            await self._put_unless_newer([self._name(key)], [value, self._ttl_ms])
        except RedisUnavailable:
            self._doubt()

    async def drop(self, key: str, version: int) -> None:
        """Leave a tombstone: reads miss, and older versions are refused until it expires."""
        await self.put(key, version, b"", self._epoch)

    async def outdate(self) -> None:
        """Raise the epoch: no copy of a row that was read before now is ever shown."""
        faults, epoch = self._faults, Epoch(uuid4().bytes)
        try:
            await self._redis.set(self._epoch_name, epoch)
        except RedisUnavailable:
            self._doubt()
            return
        self._epoch = epoch
        if faults == self._faults:  # else a command failed meanwhile: once more
            self._in_doubt.clear()

    async def run(self) -> None:
        """
        Raise the epoch after every fault of Redis, until cancelled.

        And at the start, as one who was killed between a commit and its drop left an old copy.
        """
        await self.outdate()
        while True:
            await self._in_doubt.wait()
            await asyncio.sleep(_RETRY_S)
            await self.outdate()

    def _doubt(self) -> None:
        self._faults += 1
        self._in_doubt.set()

    def _name(self, key: str) -> str:
        return f"{self._prefix}:{key}"


def _body(value: bytes | str | None, epoch: Epoch) -> bytes | None:
    if not isinstance(value, bytes) or value[_DIGITS:_HEAD_BYTES] != epoch:
        return None
    return value[_HEAD_BYTES:] or None
