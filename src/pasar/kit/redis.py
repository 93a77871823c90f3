"""
Redis with redis-py's command names over one pipelining connection, behind a circuit breaker.

For commands that answer at once. What would block the shared connection, or change its state for
everybody (MULTI, WATCH, SUBSCRIBE, SELECT), is refused.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, Final, Literal, Self

import redis.asyncio
from redis.commands import AsyncCoreCommands
from redis.event import EventDispatcherInterface
from redis.exceptions import NoScriptError, ResponseError

from pasar.kit.breaker import Breaker
from pasar.kit.clock import SystemClock
from pasar.kit.redis_connection import Encodable, RedisUnavailable
from pasar.kit.redis_settings import RedisSettings
from pasar.kit.redis_tracking import Tracking
from pasar.kit.redis_transport import RedisTransport

__all__ = ["Redis", "RedisSettings", "RedisUnavailable", "Script"]

_TRANSACTIONS: Final = {"MULTI", "EXEC", "DISCARD", "WATCH", "UNWATCH"}
_SUBSCRIPTIONS: Final = {"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "MONITOR"}
_SESSION: Final = {"SELECT", "RESET", "QUIT", "CLIENT REPLY"}
_BLOCKING: Final = {"BLPOP", "BRPOP", "BRPOPLPUSH", "BLMOVE", "BLMPOP", "BZPOPMIN", "BZPOPMAX"}
_REFUSED: Final = _TRANSACTIONS | _SUBSCRIPTIONS | _SESSION | _BLOCKING
# redis-py's own conversion of RESP3 replies; a client that is never connected is its public door.
_CONVERSIONS: Final = dict(redis.asyncio.Redis(protocol=3).response_callbacks)


class Redis(AsyncCoreCommands):
    """
    `await redis.get("key")`, and every other command of redis-py; replies are bytes.

    Raises RedisUnavailable: within `timeout_s` when Redis is silent (twice that if it had to
    dial), at once while the breaker is open. Nothing is repeated, so a failed write may have run.
    """

    _is_async_client: Literal[True] = True  # chooses the awaitable overloads of redis-py
    _event_dispatcher: EventDispatcherInterface  # its type wants one; its commands use none

    def __init__(self, transport: RedisTransport, breaker: Breaker) -> None:
        self._transport = transport
        self._breaker = breaker

    @classmethod
    def open(cls, settings: RedisSettings) -> Self:
        """Return at once; the first command dials."""
        transport = RedisTransport(
            settings.host,
            settings.port,
            password=settings.password,
            db=settings.db,
            timeout_s=settings.timeout_s,
        )
        breaker = Breaker(
            "redis",
            failures=settings.breaker_failures,
            open_s=settings.breaker_open_s,
            clock=SystemClock(),
        )
        return cls(transport, breaker)

    async def close(self) -> None:
        await self._transport.close()

    @property
    def round_trips(self) -> int:
        """How many writes have left for Redis; the commands of one loop tick share one."""
        return self._transport.round_trips

    @property
    def tracking(self) -> Tracking:
        """Who is told what others write. To be set up before the first command."""
        return self._transport.tracking

    def send(self, *args: Encodable) -> None:
        """Write a command with this tick's others and forget it; lost when Redis is away."""
        self._transport.send(*args)

    def script(self, text: str) -> "Script":
        """Return the Lua script as a callable."""
        return Script(self, text)

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Run one command as redis-py's methods spell it: two-word names come as one argument."""
        name = args[0]
        if name in _REFUSED:
            raise ValueError(f"{name} needs a connection of its own")
        if " " in name:
            args = (*name.split(), *args[1:])
        reply = await self._guarded(args)
        convert = _CONVERSIONS.get(name)
        if convert is None:
            return reply
        options.pop("keys", None)
        return convert(reply, **options)

    async def _guarded(self, args: tuple[Encodable, ...]) -> object:
        if not self._breaker.admit():
            raise RedisUnavailable("redis: breaker open")
        try:
            reply = await self._transport.execute(*args)
        except RedisUnavailable as fault:
            self._breaker.failed(fault)
            raise
        except ResponseError:
            self._breaker.succeeded()
            raise
        self._breaker.succeeded()
        return reply


class Script:
    """
    A Lua script, sent as its hash; as text when the server does not know it (restart, flush).

    >>> async def bump(redis: Redis) -> object:
    ...     return await redis.script("return redis.call('INCR', KEYS[1])")(["visits"])
    """

    def __init__(self, client: Redis, text: str) -> None:
        self._client = client
        self._text = text
        self._sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    async def __call__(self, keys: Sequence[str], args: Sequence[Encodable] = ()) -> object:
        tail = (len(keys), *keys, *args)
        try:
            return await self._client.execute_command("EVALSHA", self._sha, *tail)
        except NoScriptError:
            return await self._client.execute_command("EVAL", self._text, *tail)
