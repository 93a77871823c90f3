"""
Redis dialled on demand: one connection at a time, replaced when it is lost.

Knows addresses, the handshake and the back-off between dials; what happens on an open connection
is in `redis_connection.py`.
"""

import asyncio
from typing import Final

from redis.exceptions import ResponseError

from pasar.kit.redis_connection import Connection, Encodable, RedisUnavailable
from pasar.kit.redis_tracking import Tracking

FIRST_BACKOFF_S: Final = 0.05
# Below the breaker's open time of 2 s, so that its probe always dials.
MAX_BACKOFF_S: Final = 1.0


class RedisTransport:
    """
    Commands to whichever connection is open.

    A command fails with RedisUnavailable within `timeout_s`, within twice that if it had to dial,
    and at once while the back-off after a failed dial lasts. It is never repeated: it may have run.
    """

    def __init__(self, host: str, port: int, *, password: str, db: int, timeout_s: float) -> None:
        self._address = (host, port)
        self._password = password
        self._db = db
        self._timeout_s = timeout_s
        self.tracking = Tracking()
        self._connection: Connection | None = None
        self._dialling: asyncio.Task[None] | None = None
        self._backoff_s = FIRST_BACKOFF_S
        self._dial_at = 0.0
        self._away = "not connected"
        self._earlier_round_trips = 0

    @property
    def round_trips(self) -> int:
        """How many writes have left; each holds all commands of one loop tick."""
        current = self._connection.round_trips if self._connection is not None else 0
        return self._earlier_round_trips + current

    async def execute(self, *args: Encodable) -> object:
        """Return the reply. Raises RedisUnavailable, and ResponseError for a wrong command."""
        connection = self._connection
        if connection is None or connection.lost:
            connection = await self._dialled()
        return await connection.submit(*args)

    def send(self, *args: Encodable) -> None:
        """Write a command whose reply nobody needs; dropped without a word when disconnected."""
        if self._connection is not None:
            self._connection.send(*args)

    async def close(self) -> None:
        """End the connection; commands that wait fail."""
        if self._dialling is not None:
            self._dialling.cancel()
            await asyncio.wait([self._dialling])
        if self._connection is not None:
            self._connection.lose("client closed")
            await self._connection.gone.wait()

    async def _dialled(self) -> Connection:
        loop = asyncio.get_running_loop()
        if self._dialling is None:
            if loop.time() < self._dial_at:
                raise RedisUnavailable(f"redis: {self._away}")
            self._dialling = loop.create_task(self._dial(), name="redis-dial")
        await asyncio.wait([self._dialling])
        if self._connection is None or self._connection.lost:
            raise RedisUnavailable(f"redis: {self._away}")
        return self._connection

    async def _dial(self) -> None:
        loop = asyncio.get_running_loop()
        connection = Connection(self._timeout_s, self.tracking)
        try:
            async with asyncio.timeout(self._timeout_s):
                await loop.create_connection(lambda: connection, *self._address)
                await self._greet(connection)
        except (OSError, RedisUnavailable, ResponseError) as fault:
            reason = str(fault) or type(fault).__name__
            self._away = f"cannot connect to {self._address[0]}:{self._address[1]}: {reason}"
            self._dial_at = loop.time() + self._backoff_s
            self._backoff_s = min(2 * self._backoff_s, MAX_BACKOFF_S)
        else:
            self._earlier_round_trips = self.round_trips
            self._connection = connection
            self._backoff_s = FIRST_BACKOFF_S
        finally:
            self._dialling = None
            if self._connection is not connection:
                connection.lose("not connected")

    async def _greet(self, connection: Connection) -> None:
        login = ("AUTH", "default", self._password) if self._password else ()
        hello = connection.submit("HELLO", 3, *login)
        select = connection.submit("SELECT", self._db)
        await asyncio.gather(hello, select)
        if command := self.tracking.command():
            await connection.submit(*command)
            self.tracking.live = True
