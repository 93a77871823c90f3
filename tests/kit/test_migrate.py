"""Both histories of the program, on a real server: up, down, up again, with and without rows."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from pasar.audit.check import Verdict, check
from pasar.kit import migrate
from pasar.kit.postgres import PostgresDatabase, PostgresSettings
from tests.fixtures.database import PAYMENT_MIGRATIONS, STORE_MIGRATIONS, administer, migrated
from tests.kit.databases import opened

# Name, type, nullability and default of every column; then every constraint, index and grant.
SHAPE = """
SELECT table_schema || '.' || table_name || '.' || column_name AS part,
    concat_ws(' ', data_type, is_nullable, column_default) AS is
FROM information_schema.columns WHERE table_schema IN ('public', 'payment')
UNION SELECT conrelid::regclass::text || ' ' || conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace IN ('public'::regnamespace, 'payment'::regnamespace)
UNION SELECT indexname, indexdef FROM pg_indexes WHERE schemaname IN ('public', 'payment')
UNION SELECT table_schema || '.' || table_name || ' ' || grantee, string_agg(privilege_type, ' '
    ORDER BY privilege_type)
FROM information_schema.role_table_grants WHERE grantee IN ('store_app', 'payment_app')
GROUP BY table_schema, table_name, grantee
ORDER BY 1
"""

SOME_ROWS = """
WITH seller AS (INSERT INTO users (email, password, name, role)
    VALUES ('s@example.com', '-', 'S', 'seller') RETURNING id)
, store AS (INSERT INTO stores (user_id, name) SELECT id, 'Tea' FROM seller RETURNING id)
, category AS (INSERT INTO categories (name) VALUES ('Tea') RETURNING id)
, product AS (INSERT INTO products (store_id, category_id, name, price, stock)
    SELECT s.id, c.id, 'Oolong', 12.5, 7 FROM store s, category c RETURNING id)
, line AS (INSERT INTO cart_items (user_id, product_id, quantity)
    SELECT s.id, p.id, 2 FROM seller s, product p)
, bought AS (INSERT INTO orders (user_id, status, total_amount, created_at, updated_at)
    SELECT id, 'cancelled', 25, NULL, '2020-02-02Z'::timestamptz FROM seller RETURNING id)
INSERT INTO order_items (order_id, product_id, quantity, price)
SELECT o.id, p.id, 2, 12.5 FROM bought o, product p
"""

TABLES = """
SELECT count(*) AS n FROM information_schema.tables
WHERE table_schema IN ('public', 'payment') AND table_name <> 'alembic_version'
"""


@pytest.fixture
async def empty(owner_settings: PostgresSettings) -> AsyncGenerator[PostgresSettings]:
    settings = replace(owner_settings, database=f"empty_{uuid4().hex}", pool_size=2)
    await administer(settings, f"CREATE DATABASE {settings.database}")
    yield settings
    await administer(settings, f"DROP DATABASE {settings.database}")


async def undone(settings: PostgresSettings) -> None:
    await migrate.downgrade(settings, PAYMENT_MIGRATIONS, "payment")
    await migrate.downgrade(settings, STORE_MIGRATIONS, "public")


async def revisions(settings: PostgresSettings) -> list[str | None]:
    return [await migrate.current(settings, schema) for schema in ("public", "payment")]


def heads() -> list[str | None]:
    return [migrate.head(folder) for folder in (STORE_MIGRATIONS, PAYMENT_MIGRATIONS)]


async def test_up_down_and_up_again_ends_where_it_began(empty: PostgresSettings) -> None:
    async with opened(empty) as database:
        assert await revisions(empty) == [None, None]
        await migrated(empty)
        assert await revisions(empty) == heads()
        first = await database.fetch(SHAPE)

        await undone(empty)
        assert await revisions(empty) == [None, None]
        assert await database.fetch_one(TABLES) == {"n": 0}

        await migrated(empty)
        assert await database.fetch(SHAPE) == first


async def test_a_second_upgrade_changes_nothing(clone: PostgresSettings) -> None:
    async with opened(clone) as database:
        before = await database.fetch(SHAPE)
        await migrated(clone)

        assert await database.fetch(SHAPE) == before
        assert await revisions(clone) == heads()


async def test_upgrades_at_once_take_turns(empty: PostgresSettings) -> None:
    await asyncio.gather(migrated(empty), migrated(empty), migrated(empty))

    assert await revisions(empty) == heads()


async def test_each_step_alone_can_be_undone_and_redone(empty: PostgresSettings) -> None:
    await migrated(empty)
    await migrate.downgrade(empty, STORE_MIGRATIONS, "public", "0001")
    assert await migrate.current(empty, "public") == "0001"

    await migrate.upgrade(empty, STORE_MIGRATIONS, "public")
    assert await migrate.current(empty, "public") == migrate.head(STORE_MIGRATIONS)


async def test_rows_of_the_earlier_tables_are_adopted(empty: PostgresSettings) -> None:
    """They come back after a downgrade too, and every invariant holds for them."""
    await migrated(empty)
    await migrate.downgrade(empty, STORE_MIGRATIONS, "public", "0001")
    async with opened(empty) as database:
        await database.execute(SOME_ROWS)
        for _ in range(2):
            await migrate.upgrade(empty, STORE_MIGRATIONS, "public")
            await assert_adopted(database)
            await assert_dated(database)
            await migrate.downgrade(empty, STORE_MIGRATIONS, "public", "0001")


async def assert_adopted(database: PostgresDatabase) -> None:
    [row] = await database.fetch("""
        SELECT p.stock, m.delta, i.quantity, f.status, o.adopted, o.total_amount, c.version
        FROM products p
        JOIN stock_ledger m ON m.product_id = p.id
        JOIN order_items i ON i.product_id = p.id
        JOIN fulfilments f ON f.order_id = i.order_id AND f.store_id = p.store_id
        JOIN orders o ON o.id = i.order_id
        JOIN carts c ON c.user_id = o.user_id
    """)
    assert list(row.values()) == [7, 7, 2, "cancelled", True, 25, 1]
    assert (await check(database, calm_s=0)).verdict is Verdict.HOLDS


async def assert_dated(database: PostgresDatabase) -> None:
    """A page is sorted by these times; contract D3 wants real ones for NULL."""
    [row] = await database.fetch("""
        SELECT o.created_at, o.updated_at, f.ordered_at, f.updated_at AS moved_at
        FROM orders o JOIN fulfilments f ON f.order_id = o.id
    """)
    assert {each.isoformat() for each in row.values()} == {"2020-02-02T00:00:00+00:00"}


async def test_a_faulty_revision_leaves_those_before_it(
    empty: PostgresSettings, tmp_path: Path
) -> None:
    for number, sql in enumerate(["CREATE TABLE a (x INT)", "CREATE TABLE b (x INT); SELEC"], 1):
        below = f"000{number - 1}" if number > 1 else None
        (tmp_path / f"000{number}.py").write_text(
            "from alembic import op\n"
            f"revision = '000{number}'\ndown_revision = {below!r}\n"
            f"def upgrade():\n    for sql in {sql.split('; ')!r}:\n        op.execute(sql)\n"
        )

    with pytest.raises(Exception, match="syntax error"):
        await migrate.upgrade(empty, tmp_path, "other")

    assert await migrate.current(empty, "other") == "0001"
    async with opened(empty) as database:
        [row] = await database.fetch("SELECT to_regclass('other.a') AS a, to_regclass('b') AS b")
    assert row["a"] is not None
    assert row["b"] is None
