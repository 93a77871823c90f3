"""
Statements on one connection, and what their faults mean.

The one place where the server's error codes and the driver's exceptions become the failures that
`kit/database.py` names. Transactions are in `kit/postgres.py`.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import asyncpg

from pasar.kit import log
from pasar.kit.database import ConstraintViolated, Contended, OutcomeUnknown, Row, Tx
from pasar.kit.errors import Unavailable

if TYPE_CHECKING:  # generic in the type stubs only
    Connection = asyncpg.Connection[asyncpg.Record]

DRIVER_FAULTS: Final = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""Everything that dialling or settling a connection may raise; TimeoutError is an OSError."""

_CONTENTION: Final = frozenset({"40P01", "40001", "55P03"})  # deadlock, serialization, lock timeout
# By class: connection, resources, operator (statement timeout too), rollback; idle or long
# transaction.
_AWAY: Final = ("08", "53", "57", "40", "25P03", "25P04")
# Of these, the ones that end the connection, perhaps after the commit: lost, or shut down.
_CUT: Final = ("08", "57P")

_log: Final = log.get("postgres")


class PostgresTx:
    """
    One connection, whose transaction somebody else begins and ends.

    Or nobody: then each statement `commits` by itself, and its outcome can get lost.
    """

    def __init__(
        self, connection: "Connection", count: Callable[[], None], *, commits: bool
    ) -> None:
        self._connection = connection
        self._count = count
        self._commits = commits
        self._is_over = False

    def end(self) -> None:
        """Answer Unavailable from now on: the connection is about to be somebody else's."""
        self._is_over = True

    async def fetch(self, sql: str, *args: object) -> Sequence[Row]:
        with self._asking():
            return [dict(row.items()) for row in await self._connection.fetch(sql, *args)]

    async def fetch_one(self, sql: str, *args: object) -> Row | None:
        with self._asking():
            row = await self._connection.fetchrow(sql, *args)
        return None if row is None else dict(row.items())

    async def execute(self, sql: str, *args: object) -> int:
        with self._asking():
            status = await self._connection.execute(sql, *args)
        touched = status.rpartition(" ")[2]  # `UPDATE 3`, `INSERT 0 1`, `SET`
        return int(touched) if touched.isdecimal() else 0

    @contextmanager
    def _asking(self) -> Generator[None]:
        if self._is_over:
            raise Unavailable
        self._count()
        with faults(self._connection, commits=self._commits):
            yield


@contextmanager
def faults(connection: "Connection", *, commits: bool) -> Generator[None]:
    """Translate what a statement on this connection raises; a mistake in it stays what it is."""
    lost = OutcomeUnknown if commits else Unavailable
    try:
        yield
    except asyncpg.IntegrityConstraintViolationError as fault:
        if fault.constraint_name is None:  # NOT NULL: a mistake of ours, not an outcome
            raise
        raise ConstraintViolated(fault.constraint_name) from fault
    except asyncpg.InternalClientError as fault:
        # The server's last words came while nobody asked: the pool would lend it again and again.
        connection.terminate()
        raise unavailable(fault, lost) from fault
    except asyncpg.PostgresError as fault:
        if fault.sqlstate in _CONTENTION:
            _log.warning("database contention", reason=type(fault).__name__)
            raise Contended from fault
        if not fault.sqlstate.startswith(_AWAY):
            raise
        raise unavailable(
            fault, lost if fault.sqlstate.startswith(_CUT) else Unavailable
        ) from fault
    except asyncpg.InterfaceError as fault:
        if not connection.is_closed():
            raise
        raise unavailable(fault, lost) from fault
    except OSError as fault:
        raise unavailable(fault, lost) from fault


def unavailable(fault: Exception, kind: type[Unavailable] = Unavailable) -> Unavailable:
    """Log why the database could not serve, and return the error that says so to the client."""
    _log.warning("database unavailable", reason=type(fault).__name__)
    words = str(fault) or type(fault).__name__  # a time-out has none
    return kind(reason=f"database: {words.splitlines()[0]}")


_: type[Tx] = PostgresTx
