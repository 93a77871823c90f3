"""
Connections to one server, each lent to one borrower at a time.

Knows how a connection is kept whole, but not what is asked on it: `postgres.py`. asyncpg's own pool
makes a task for each return; that and its wrappers cost more than a small statement does.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

import asyncpg

from pasar.kit.deadlines import Deadlines
from pasar.kit.errors import TimedOut, Unavailable
from pasar.kit.metrics import DB_CONNECTIONS_IN_USE
from pasar.kit.postgres_tx import DRIVER_FAULTS, unavailable

if TYPE_CHECKING:  # generic in the type stubs only
    Connection = asyncpg.Connection[asyncpg.Record]

SILENCE_S: Final = 1.0
"""A server that has not even reported its own time-out, or a cancellation, is frozen."""

MAX_IDLE_S: Final = 300.0
"""Then a connection is cut: firewalls forget the quiet ones, mostly after some ten minutes."""


class Pool:
    """
    At most `size` connections, made by `dial` when none is idle; the last used is lent first.

    Session state outlives its borrower: whoever changes it uses a connection outside the pool.
    """

    def __init__(
        self,
        dial: Callable[[], Awaitable["Connection"]],
        *,
        size: int,
        wait_s: float,
        max_idle_s: float = MAX_IDLE_S,
    ) -> None:
        self._dial = dial
        self._size = size
        self._deadlines = Deadlines(wait_s)
        self._max_idle_s = max_idle_s
        self._free = asyncio.Semaphore(size)
        self._idle: deque[tuple[Connection, float]] = deque()
        self._open: set[Connection] = set()
        self._closing = False
        self._loop = asyncio.get_running_loop()

    @asynccontextmanager
    async def lend(self) -> AsyncGenerator["Connection"]:
        """
        Lend a connection; while all of them are lent, callers wait for their turn.

        Raises Unavailable: the server cannot be reached, the pool is closed, or turn and dialling
        took longer than `wait_s`. A borrower who is cancelled, or leaves by Unavailable, waits
        until the server has confirmed that the statement runs no more; without an answer the
        connection is cut, as is one that comes back within a transaction.
        """
        try:
            connection = await self._taken()
        except (*DRIVER_FAULTS, TimedOut) as fault:
            raise unavailable(fault) from fault
        whole = False
        DB_CONNECTIONS_IN_USE.inc()
        try:
            yield connection
            whole = True
        except (Unavailable, asyncio.CancelledError):
            with suppress(*DRIVER_FAULTS):
                await connection.execute("SELECT 1", timeout=SILENCE_S)
                whole = True
            raise
        except Exception:
            whole = True
            raise
        finally:
            DB_CONNECTIONS_IN_USE.dec()
            self._take_back(connection, whole=whole)

    async def close(self, grace_s: float) -> None:
        """Lend to nobody new, wait for the others, at most `grace_s` seconds, then cut them off."""
        self._closing = True
        with suppress(*DRIVER_FAULTS):
            async with asyncio.timeout(grace_s):
                for _ in range(self._size):
                    await self._free.acquire()
                for connection, _ in self._idle:
                    await connection.close()
        for connection in self._open:
            connection.terminate()

    async def _taken(self) -> "Connection":
        if self._closing:
            raise asyncpg.InterfaceError("the pool is closed")
        if not self._free.locked() and (connection := self._last_used()):
            await self._free.acquire()  # at once, as it is not locked
            return connection
        with self._deadlines.budget():
            await self._free.acquire()
            try:
                return self._last_used() or await self._dialled()
            except BaseException:
                self._free.release()
                raise

    async def _dialled(self) -> "Connection":
        connection = await self._dial()
        self._open.add(connection)
        return connection

    def _last_used(self) -> "Connection | None":
        """Take the last used connection that is open still, if any."""
        too_old = self._loop.time() - self._max_idle_s
        while self._idle and self._idle[0][1] < too_old:
            self._cut(self._idle.popleft()[0])
        while self._idle:
            connection, _ = self._idle.pop()
            if not connection.is_closed():
                return connection
            self._cut(connection)
        return None

    def _take_back(self, connection: "Connection", *, whole: bool) -> None:
        if self._closing or not whole or connection.is_closed() or connection.is_in_transaction():
            self._cut(connection)
        else:
            self._idle.append((connection, self._loop.time()))
        self._free.release()

    def _cut(self, connection: "Connection") -> None:
        """End it at once, which rolls back; the driver tidies up after one that is closed too."""
        self._open.discard(connection)
        connection.terminate()
