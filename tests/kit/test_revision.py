"""At which migration a schema stands, asked without the migration tool."""

from pathlib import Path

import pytest

from pasar.kit import migrate, revision
from pasar.kit.postgres import PostgresDatabase
from tests.fixtures.database import PAYMENT_MIGRATIONS, STORE_MIGRATIONS


@pytest.mark.parametrize(
    ("schema", "folder"), [("public", STORE_MIGRATIONS), ("payment", PAYMENT_MIGRATIONS)]
)
async def test_a_migrated_schema_stands_at_the_newest(
    owner: PostgresDatabase, schema: str, folder: Path
) -> None:
    assert await revision.current(owner, schema) == revision.newest(folder) == migrate.head(folder)


async def test_a_schema_that_was_never_migrated_stands_nowhere(owner: PostgresDatabase) -> None:
    assert await revision.current(owner, "nobodys") is None


async def test_the_services_may_ask_too(
    database: PostgresDatabase, payment_database: PostgresDatabase
) -> None:
    assert await revision.current(database, "public") is not None
    assert await revision.current(payment_database, "payment") is not None
