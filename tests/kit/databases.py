"""What several tests of the database adapter need."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from pasar.kit.postgres import PostgresDatabase, PostgresSettings

ADD_CATEGORY = "INSERT INTO categories (name) VALUES ($1)"
COUNT = "SELECT count(*) AS n FROM categories"


@asynccontextmanager
async def opened(settings: PostgresSettings) -> AsyncGenerator[PostgresDatabase]:
    database = await PostgresDatabase.open(settings)
    try:
        yield database
    finally:
        await database.close(grace_s=1)


async def eventually(holds: Callable[[], bool | Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not (held := holds()) or (isinstance(held, Awaitable) and not await held):
            await asyncio.sleep(0.01)


async def count(database: PostgresDatabase) -> int:
    row = await database.fetch_one(COUNT)
    assert row is not None
    return int(row["n"])
