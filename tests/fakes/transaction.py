"""A transaction for fakes, which have no use for one."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import NoReturn

from pasar.kit.database import Database, Tx


class NoTransaction:
    """Fails whoever asks it anything."""

    async def fetch(self, sql: str, *_: object) -> NoReturn:
        raise AssertionError(f"a fake asked a database: {sql}")

    fetch_one = fetch
    execute = fetch


@asynccontextmanager
async def no_transaction() -> AsyncIterator[Tx]:
    yield NoTransaction()


class NoDatabase(NoTransaction):
    """For services that open transactions over fakes."""

    def begin(self) -> AbstractAsyncContextManager[Tx]:
        return no_transaction()


_: type[Database] = NoDatabase
