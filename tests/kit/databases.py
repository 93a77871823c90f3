"""What several tests of the database adapter need."""

from collections.abc import AsyncGenerator
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


async def count(database: PostgresDatabase) -> int:
    row = await database.fetch_one(COUNT)
    assert row is not None
    return int(row["n"])
