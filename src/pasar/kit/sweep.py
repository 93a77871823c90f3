"""
The sweep: rows and picture files that are no longer of use are deleted, a few at a time.

The owners of the tables say what that is, in one statement each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from pasar.kit import log
from pasar.kit.clock import Clock
from pasar.kit.database import Database
from pasar.kit.storage.port import Storage

_FILES_KEPT: Final = timedelta(hours=1)  # far longer than an upload lasts, from file to row

_log: Final = log.get("sweep")


@dataclass(frozen=True, slots=True, kw_only=True)
class Remains:
    """`sql` deals with at most `$1` rows that have been of no use for `$2` seconds: `keep_s`."""

    what: str
    sql: str
    keep_s: float


class Sweeper:
    """
    Deletes `batch` rows a statement, so that no lock is held for long; any number may run.

    `named` says for each folder of pictures which of the names `$1` a row bears, as `name`. The
    storage must be this shop's alone: what no row of its database names is deleted after an hour.
    """

    def __init__(
        self,
        database: Database,
        remains: Sequence[Remains],
        storage: Storage,
        named: Mapping[str, str],
        clock: Clock,
        *,
        batch: int,
    ) -> None:
        self._database = database
        self._remains = remains
        self._storage = storage
        self._named = named
        self._clock = clock
        self._batch = batch

    async def sweep(self) -> None:
        """Sweep once; what is left by an error is for the next time. Raises as both ports do."""
        for remains in self._remains:
            await self._delete(remains)
        for folder, named in self._named.items():
            await self._delete_files(folder, named)

    async def _delete(self, remains: Remains) -> None:
        rows = found = await self._database.execute(remains.sql, self._batch, remains.keep_s)
        while found == self._batch:
            found = await self._database.execute(remains.sql, self._batch, remains.keep_s)
            rows += found
        if rows:
            _log.info("swept", what=remains.what, rows=rows)

    async def _delete_files(self, folder: str, named: str) -> None:
        before = self._clock.now() - _FILES_KEPT
        async for names in self._storage.older(folder, before):
            kept = {row["name"] for row in await self._database.fetch(named, names)}
            for name in names:
                if name not in kept:
                    await self._storage.delete(name)
                    _log.info("swept", what="picture that no row names", name=name)
