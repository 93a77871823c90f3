"""The Lua scripts as typed calls: which keys and arguments each takes, what its reply means."""

from collections.abc import Sequence
from typing import Final, cast

from pasar.kit.broker import streams_lua as lua
from pasar.kit.broker.port import Depth
from pasar.kit.ids import TimeOrderedIds
from pasar.kit.redis import Redis

_FORGET_CONSUMER_MS: Final = 3_600_000  # names are new at each start; an hour is no pause any more


def stream(topic: str, channel: str) -> str:
    """Return the key of a channel's stream."""
    return _key(topic, f"stream:{channel}")


class StreamsScripts:
    """Each call raises RedisUnavailable or redis-py's ResponseError."""

    def __init__(self, redis: Redis) -> None:
        self._ids = TimeOrderedIds()
        self._declare = redis.script(lua.DECLARE)
        self._publish = redis.script(lua.PUBLISH)
        self._ack = redis.script(lua.ACK)
        self._requeue = redis.script(lua.REQUEUE)
        self._touch = redis.script(lua.TOUCH)
        self._tick = redis.script(lua.TICK)
        self._depth = redis.script(lua.DEPTH)

    async def declare(self, topic: str, channel: str) -> None:
        keys = [_key(topic, "channels"), _key(topic, "backlog"), stream(topic, channel)]
        await self._declare(keys, [channel])

    async def publish(self, topic: str, bodies: Sequence[bytes]) -> None:
        args: list[str | bytes] = [stream(topic, "")]
        for body in bodies:
            args += (self._ids.new().hex, body)
        await self._publish([_key(topic, "channels"), _key(topic, "backlog")], args)

    async def ack(self, topic: str, channel: str, entry: bytes) -> bool:
        return await self._ack([stream(topic, channel)], [entry]) == 1

    async def requeue(self, topic: str, channel: str, entry: bytes, delay_ms: int) -> bool:
        keys = [stream(topic, channel), _later(topic, channel)]
        return await self._requeue(keys, [entry, delay_ms]) == 1

    async def touch(self, topic: str, channel: str, entry: bytes, consumer: str) -> bool:
        return await self._touch([stream(topic, channel)], [entry, consumer]) == 1

    async def tick(self, topic: str, channel: str, consumer: str, timeout_ms: int) -> float | None:
        """
        Let due records in; if `timeout_ms` is not 0, also what is idle for so long.

        Returns:
            The seconds until the next record is due, or None.
        """
        keys = [stream(topic, channel), _later(topic, channel)]
        due_ms = cast("int", await self._tick(keys, [consumer, timeout_ms, _FORGET_CONSUMER_MS]))
        return None if due_ms < 0 else due_ms / 1000

    async def depth(self, topic: str, channel: str) -> Depth:
        keys = [
            _key(topic, "channels"),
            _key(topic, "backlog"),
            stream(topic, channel),
            _later(topic, channel),
        ]
        held, pending, deferred, waiting = cast("list[int]", await self._depth(keys))
        return Depth(ready=held - pending, in_flight=pending, deferred=deferred, waiting=waiting)


def _later(topic: str, channel: str) -> str:
    return _key(topic, f"later:{channel}")


def _key(topic: str, rest: str) -> str:
    return f"pasar:mq:{{{topic}}}:{rest}"
