"""
Copies of rows in Redis that know their version, so that a slow writer cannot bring back the past.

One string key each: the version as twenty digits, then the body. Decides nothing: whoever must be
right reads the database.
"""

from collections.abc import Sequence
from typing import Final

from pasar.kit.redis import Redis, RedisUnavailable

_DIGITS: Final = 20  # of 2**64, so that versions compare as text

# KEYS[1] the key; ARGV[1] version and body, ARGV[2] time to live in ms.
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

    Never raises when Redis is away: reads miss, writes are skipped, so a copy may then be up to
    `ttl_s` behind its row. Bodies are never empty.

    >>> async def later_wins(cache: VersionedCache) -> bytes | None:
    ...     await cache.put("cart", 8, b"new")
    ...     await cache.put("cart", 7, b"old")
    ...     return await cache.get("cart")  # b"new"
    """

    def __init__(self, redis: Redis, prefix: str, ttl_s: float) -> None:
        self._redis = redis
        self._prefix = prefix
        self._ttl_ms = round(ttl_s * 1000)
        self._put_unless_newer = redis.script(_PUT_UNLESS_NEWER)

    async def get(self, key: str) -> bytes | None:
        """Return the body, or None for a miss."""
        return (await self.get_many([key]))[0]

    async def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return the bodies in the order of their keys, in one command."""
        if not keys:
            return []
        try:
            values = await self._redis.mget([self._name(key) for key in keys])
        except RedisUnavailable:
            return [None] * len(keys)
        return [_body(value) for value in values]

    async def put(self, key: str, version: int, body: bytes, *, ttl_s: float | None = None) -> None:
        """Store the body, unless a newer version or tombstone is there; `ttl_s` if not as usual."""
        value = b"%0*d%b" % (_DIGITS, version, body)
        ttl_ms = self._ttl_ms if ttl_s is None else round(ttl_s * 1000)
        try:
            await self._put_unless_newer([self._name(key)], [value, ttl_ms])
        except RedisUnavailable:
            return

    async def drop(self, key: str, version: int) -> None:
        """Leave a tombstone: reads miss, and older versions are refused until it expires."""
        await self.put(key, version, b"")

    def _name(self, key: str) -> str:
        return f"{self._prefix}:{key}"


def _body(value: bytes | str | None) -> bytes | None:
    return value[_DIGITS:] or None if isinstance(value, bytes) else None
