"""What several tests of the database adapter need."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from pasar.kit.postgres import PostgresDatabase, PostgresSettings
from tests.waiting import eventually

ADD_CATEGORY = "INSERT INTO categories (name) VALUES ($1)"
COUNT = "SELECT count(*) AS n FROM categories"
WAITING = """
SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@asynccontextmanager
async def opened(settings: PostgresSettings) -> AsyncGenerator[PostgresDatabase]:
    database = await PostgresDatabase.open(settings)
    try:
        yield database
    finally:
        await database.close(grace_s=1)


async def until_somebody_waits(database: PostgresDatabase) -> None:
    """Wait until a statement in this database waits for a lock."""

    async def somebody_waits() -> bool:
        return bool(await database.fetch(WAITING))

    await eventually(somebody_waits, what="a statement that waits for a lock")


async def count(database: PostgresDatabase) -> int:
    row = await database.fetch_one(COUNT)
    assert row is not None
    return int(row["n"])
