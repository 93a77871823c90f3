"""
One transaction around work that opens its own, or none, and does not know of it.

A use case that must commit together with something it has never heard of is left as it is: the
database that it was given joins it to the transaction around it.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar

from pasar.kit.database import Database, Row, Tx


class JoiningDatabase:
    """
    A database whose `together` blocks are one transaction, whatever is asked inside.

    >>> async with database.together() as tx:                       # doctest: +SKIP
    ...     await shop.open(store)        # its statements and its `begin` join, and do not commit
    ...     await note(tx, store)

    Inside, nothing is tried again and nothing is known to be committed; a `begin` block that is
    left by an error leaves the whole to be rolled back, so that error must not be swallowed. The
    tasks of the block share its one connection: two of them must not ask at the same time.
    """

    def __init__(self, behind: Database) -> None:
        self._behind = behind
        self._joined: ContextVar[Tx | None] = ContextVar("joined", default=None)

    async def fetch(self, sql: str, *args: object) -> Sequence[Row]:
        return await (self._joined.get() or self._behind).fetch(sql, *args)

    async def fetch_one(self, sql: str, *args: object) -> Row | None:
        return await (self._joined.get() or self._behind).fetch_one(sql, *args)

    async def execute(self, sql: str, *args: object) -> int:
        return await (self._joined.get() or self._behind).execute(sql, *args)

    @asynccontextmanager
    async def begin(self) -> AsyncGenerator[Tx]:
        if joined := self._joined.get():
            yield joined
            return
        async with self._behind.begin() as tx:
            yield tx

    def is_joined(self) -> bool:
        """Tell whether what is asked now belongs to a `together` block."""
        return self._joined.get() is not None

    @asynccontextmanager
    async def together(self) -> AsyncGenerator[Tx]:
        """Open the transaction; it commits at the end of the block, if that ends well."""
        async with self._behind.begin() as tx:
            outside = self._joined.set(tx)
            try:
                yield tx
            finally:
                self._joined.reset(outside)


_: type[Database] = JoiningDatabase
