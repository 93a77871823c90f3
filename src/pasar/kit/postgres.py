"""
PostgreSQL by asyncpg, the adapter of `kit/database.py`: sessions, statements, transactions.

Beside it: `postgres_pool.py`, who has which connection; `postgres_tx.py`, statements and their
faults; `postgres_listen.py`, LISTEN and NOTIFY.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Literal, TypeVar

import asyncpg
import msgspec

from pasar.kit.database import Contended, Database, Row, Tx
from pasar.kit.errors import Unavailable
from pasar.kit.postgres_pool import SILENCE_S, Pool
from pasar.kit.postgres_tx import PostgresTx, faults

if TYPE_CHECKING:  # generic in the type stubs only
    Connection = asyncpg.Connection[asyncpg.Record]

SslMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]

ResultT = TypeVar("ResultT")

# Waits before the second, third and fourth try of a single statement, each taken with full jitter.
_RETRY_AT_MOST_S: Final = (0.01, 0.02, 0.04)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresSettings:
    """
    Where the database is and what a session may do there.

    `role` is taken at connect, so that a process logged in as the owner has no more rights than its
    service; `none` keeps those of the login.
    """

    host: str
    port: int
    user: str
    password: str
    database: str
    sslmode: SslMode
    role: str
    search_path: str
    application_name: str
    pool_size: int
    pool_wait_s: float
    connect_timeout_s: float
    statement_timeout_s: float
    lock_timeout_s: float
    idle_tx_timeout_s: float

    def session(self) -> dict[str, str]:
        """Return what a session sets at its start, in the connection's first packet."""
        return {
            "application_name": self.application_name,
            "role": self.role,
            "search_path": self.search_path,
            "statement_timeout": f"{self.statement_timeout_s * 1000:.0f}",
            "lock_timeout": f"{self.lock_timeout_s * 1000:.0f}",
            "idle_in_transaction_session_timeout": f"{self.idle_tx_timeout_s * 1000:.0f}",
            "default_transaction_isolation": "read committed",
            "timezone": "UTC",
            "jit": "off",  # compiling takes longer than any statement here runs
            "plan_cache_mode": "force_generic_plan",  # ADR 24: planned once per connection
            # ADR 29: planned perhaps while the table was empty. Who takes no role reads all.
            "enable_seqscan": "on" if self.role == "none" else "off",
        }


class PostgresDatabase:
    """
    A pool of connections to one database.

    `statements` counts what was sent since the start, BEGIN and COMMIT apart: tests hold each
    request to its budget. Cancelling a caller cancels its statement on the server.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.statements = 0

    @classmethod
    async def open(cls, settings: PostgresSettings) -> "PostgresDatabase":
        """Return at once, also while the server is away: the first statement connects."""
        dial = partial(_dial, settings)
        return cls(Pool(dial, size=settings.pool_size, wait_s=settings.pool_wait_s))

    async def close(self, grace_s: float = 5.0) -> None:
        """Wait for running statements, at most `grace_s` seconds, then cut them off."""
        await self._pool.close(grace_s)

    async def ping(self) -> None:
        """Raise Unavailable unless the server answers."""
        await self.fetch_one("SELECT 1")

    async def fetch(self, sql: str, *args: object) -> Sequence[Row]:
        return await self._alone(lambda tx: tx.fetch(sql, *args))

    async def fetch_one(self, sql: str, *args: object) -> Row | None:
        return await self._alone(lambda tx: tx.fetch_one(sql, *args))

    async def execute(self, sql: str, *args: object) -> int:
        return await self._alone(lambda tx: tx.execute(sql, *args))

    @asynccontextmanager
    async def begin(self) -> AsyncGenerator[Tx]:
        async with self._pool.lend() as connection:
            with faults(connection, commits=False):
                await connection.execute("BEGIN")
            tx = PostgresTx(connection, self._count, commits=False)
            try:
                try:
                    yield tx
                finally:
                    tx.end()
            except BaseException:
                # A connection that cannot roll back is broken; the pool cuts it, which rolls back.
                with suppress(Unavailable), faults(connection, commits=False):
                    await connection.execute("ROLLBACK")
                raise
            with faults(connection, commits=True):
                outcome = await connection.execute("COMMIT")
            if outcome != "COMMIT":
                raise RuntimeError("a statement had failed, so the COMMIT was a ROLLBACK")

    async def _alone(self, ask: Callable[[PostgresTx], Awaitable[ResultT]]) -> ResultT:
        for at_most_s in _RETRY_AT_MOST_S:
            try:
                return await self._once(ask)
            except Contended:
                await asyncio.sleep(random.uniform(0, at_most_s))  # noqa: S311  jitter, no secret
        return await self._once(ask)

    async def _once(self, ask: Callable[[PostgresTx], Awaitable[ResultT]]) -> ResultT:
        async with self._pool.lend() as connection:
            return await ask(PostgresTx(connection, self._count, commits=True))

    def _count(self) -> None:
        self.statements += 1


async def connect(settings: PostgresSettings) -> "Connection":
    """Dial one connection; raises DRIVER_FAULTS."""
    connection: Connection = await asyncpg.connect(
        host=settings.host,
        port=settings.port,
        user=settings.user,
        password=settings.password,
        database=settings.database,
        ssl=settings.sslmode,
        timeout=settings.connect_timeout_s,
        command_timeout=settings.statement_timeout_s + SILENCE_S,
        server_settings=settings.session(),
    )
    return connection


async def _dial(settings: PostgresSettings) -> "Connection":
    connection = await connect(settings)
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: msgspec.json.encode(value).decode(),
        decoder=msgspec.json.decode,
    )
    return connection


_: type[Database] = PostgresDatabase
