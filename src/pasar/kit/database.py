"""
The database as business code sees it: statements, transactions, and the ways to fail.

The adapter is `kit/postgres.py`. SQL texts use `$1`, `$2`, …; rows come back as mappings from
column name to value (UUID, int, str, datetime, Decimal, None).
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from pasar.kit.errors import Unavailable

Row = Mapping[str, Any]
"""One row; its reader in `postgres.py` gives the columns their types and lets no Any out."""


class ConstraintViolated(Exception):
    """A constraint had the last word; `constraint` is its name, which the adapter decides by."""

    def __init__(self, constraint: str) -> None:
        super().__init__(constraint)
        self.constraint = constraint


class Contended(Unavailable):
    """A deadlock, a serialization failure or a lock held too long: the same may succeed now."""


class OutcomeUnknown(Unavailable):
    """
    The connection was lost while something that commits was under way: it is done, or it is not.

    Only a second look tells. Every other Unavailable means that nothing was committed.
    """


class Queries(Protocol):
    """
    What can be asked of a database, inside or outside a transaction.

    Every method raises ConstraintViolated when a constraint refuses, and kit.errors.Unavailable
    when the server is away, the pool stays exhausted, or a statement or lock limit passes: as one
    of its kinds above where that fits.
    """

    async def fetch(self, sql: str, *args: object) -> Sequence[Row]:
        """Return all rows."""
        ...

    async def fetch_one(self, sql: str, *args: object) -> Row | None:
        """Return the first row, or None."""
        ...

    async def execute(self, sql: str, *args: object) -> int:
        """Return how many rows the statement touched."""
        ...


class Tx(Queries, Protocol):
    """A transaction that somebody else begins and ends."""


class Database(Queries, Protocol):
    """
    A database: a statement asked of it directly is a transaction of its own.

    Such a single statement is tried again, three times with jitter, when it fails by deadlock,
    serialization or lock timeout; a `begin` block is not, as its effects are unknown here.
    """

    def begin(self) -> AbstractAsyncContextManager[Tx]:
        """Open a transaction (READ COMMITTED): leaving by an error rolls back, else it commits."""
        ...
