"""H34: a database of the earlier service becomes Pasar's where it lies, and can be handed back."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import Final
from uuid import uuid4

import pytest

from pasar.audit.check import Verdict, check
from pasar.kit import migrate
from pasar.kit.database import Row
from pasar.kit.postgres import PostgresDatabase, PostgresSettings
from tests.fixtures.database import STORE_MIGRATIONS, administer, migrated
from tests.kit.databases import opened
from tests.store_service.migrations.earlier import restore

TABLES: Final = (
    *("users", "stores", "categories", "products", "cart_items", "carts"),
    *("orders", "order_items", "fulfilments", "stock_ledger", "payments", "reviews"),
)

SHAPE: Final = """
SELECT table_name || '.' || column_name AS part,
    concat_ws(' ', data_type, is_nullable, column_default) AS is
FROM information_schema.columns WHERE table_schema = 'public'
UNION SELECT conrelid::regclass::text || ' ' || conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
ORDER BY 1
"""


@pytest.fixture
async def earlier(owner_settings: PostgresSettings) -> AsyncGenerator[PostgresSettings]:
    settings = replace(owner_settings, database=f"earlier_{uuid4().hex}", pool_size=2)
    await administer(settings, f"CREATE DATABASE {settings.database}")
    await restore(settings)
    yield settings
    await administer(settings, f"DROP DATABASE {settings.database}")


@pytest.fixture
async def shop(earlier: PostgresSettings) -> AsyncGenerator[PostgresDatabase]:
    """The earlier database, adopted, as its owner sees it."""
    await migrated(earlier)
    async with opened(earlier) as database:
        yield database


async def contents(database: PostgresDatabase) -> dict[str, Sequence[Row]]:
    return {table: await database.fetch(f"TABLE {table} ORDER BY 1") for table in TABLES}


async def rows(database: PostgresDatabase, sql: str) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in await database.fetch(sql)]


async def shape(database: PostgresDatabase) -> set[tuple[object, ...]]:
    parts = await rows(database, SHAPE)
    return {part for part in parts if "alembic_version" not in str(part)}


async def test_h34_a_second_migration_changes_no_row(
    earlier: PostgresSettings, shop: PostgresDatabase
) -> None:
    before = await contents(shop)
    await migrated(earlier)

    assert await contents(shop) == before
    assert await migrate.current(earlier, "public") == migrate.head(STORE_MIGRATIONS)
    assert await rows(shop, "SELECT version, dirty FROM schema_migrations") == [(1, False)]


async def test_h34_every_invariant_holds_for_what_was_adopted(shop: PostgresDatabase) -> None:
    report = await check(shop, calm_s=60)

    assert [finding.invariant.name for finding in report.broken] == []
    assert report.verdict is Verdict.HOLDS


async def test_h34_case_twins_have_no_key_and_unknown_roles_no_rights(
    shop: PostgresDatabase,
) -> None:
    assert await rows(shop, "SELECT email, email_key, name, role FROM users ORDER BY id") == [
        ("admin@example.com", "admin@example.com", "Admin", "admin"),
        ("seller@example.com", "seller@example.com", "Seller", "seller"),
        ("Buyer@example.com", "buyer@example.com", "Buyer", "buyer"),
        ("twin@example.com", None, "Lower twin", "buyer"),
        ("TWIN@example.com", None, "Upper twin", "buyer"),
        ("root@example.com", "root@example.com", "  ", "buyer"),
    ]


async def test_h34_negative_stock_and_prices_become_nothing(shop: PostgresDatabase) -> None:
    found = await rows(
        shop, "SELECT name, price::float, stock, deleted_at IS NULL FROM products ORDER BY id"
    )

    assert found == [
        ("Oolong", 12.5, 7, True),
        ("Negative stock", 5, 0, True),
        ("Negative price", 0, 9, False),
        ("   ", 1, 1, True),
    ]


async def test_h34_twin_lines_are_one_with_their_sum(shop: PostgresDatabase) -> None:
    found = await rows(
        shop,
        """
        SELECT i.id::text, i.quantity, (c.updated_at AT TIME ZONE 'UTC')::date::text
        FROM cart_items i JOIN carts c USING (user_id) ORDER BY i.id
        """,
    )

    assert found == [
        ("e0000000-0000-0000-0000-000000000001", 6, "2020-03-03"),
        ("e0000000-0000-0000-0000-000000000005", 2147483647, "2020-03-02"),
    ]


async def test_d03_missing_times_and_texts_are_filled(shop: PostgresDatabase) -> None:
    filled = {"created_at", "updated_at", "description", "logo_url", "image_url", "comment"}
    missing = {
        f"{table}.{column}"
        for table, found in (await contents(shop)).items()
        for row in found
        for column, value in row.items()
        if column in filled and value is None
    }

    assert missing == set()
    buyer = "SELECT created_at = '2020-02-02Z' FROM users WHERE name = 'Buyer'"
    assert await rows(shop, buyer) == [(True,)]


async def test_h34_old_orders_are_marked_and_have_parts_and_the_pending_are_called_off(
    shop: PostgresDatabase,
) -> None:
    found = await rows(
        shop,
        """
        SELECT right(o.id::text, 1), o.adopted, o.status, f.status AS part
        FROM orders o LEFT JOIN fulfilments f ON f.order_id = o.id ORDER BY o.id
        """,
    )

    assert found == [
        ("1", True, "pending", "pending"),
        ("2", True, "completed", "completed"),
        ("3", True, "paid", "paid"),
        ("4", True, "pending", None),
        ("5", True, "cancelled", "cancelled"),
    ]
    called_off = "SELECT right(order_id::text, 1), status, void_wanted FROM payments ORDER BY 1"
    assert await rows(shop, called_off) == [("1", "pending", True), ("4", "pending", True)]
    sold = "SELECT price::int FROM order_items WHERE price < 0"
    assert await rows(shop, sold) == [(-1,)]


async def test_h34_each_cleaning_is_told_with_its_count(
    earlier: PostgresSettings, caplog: pytest.LogCaptureFixture
) -> None:
    await migrated(earlier)
    told = {line.getMessage() for line in caplog.records if line.name == "pasar.migrate"}

    assert {
        "users: addresses that differ in letter case only, left to their exact spelling (2)",
        "products: negative price set to 0, and the product hidden (1)",
        "cart_items: further lines of one product merged into the first (3)",
        "orders: unknown status turned into cancelled (1)",
    } <= told

    caplog.clear()
    await migrate.downgrade(earlier, STORE_MIGRATIONS, "public", "0001")
    await migrated(earlier)
    again = [line.getMessage() for line in caplog.records if line.name == "pasar.migrate"]
    assert again == [message for message in told if "letter case" in message]


async def test_h34_the_way_back_ends_at_the_earlier_shape(earlier: PostgresSettings) -> None:
    async with opened(earlier) as database:
        before = await shape(database)
        await migrated(earlier)
        await migrate.downgrade(earlier, STORE_MIGRATIONS, "public", "0001")

        assert await shape(database) == before
        assert await rows(database, "SELECT stock FROM products WHERE stock < 0") == []
        await migrate.downgrade(earlier, STORE_MIGRATIONS, "public")
        assert await shape(database) == set()


async def test_h34_the_service_may_not_touch_the_earlier_tools_table(
    shop: PostgresDatabase,
) -> None:
    allowed = "SELECT has_table_privilege('store_app', 'schema_migrations', 'SELECT')"
    assert await rows(shop, allowed) == [(False,)]


async def test_h34_half_a_database_is_refused_and_left_alone(earlier: PostgresSettings) -> None:
    async with opened(earlier) as database:
        await database.execute("DROP TABLE payments")
        before = await shape(database)

        with pytest.raises(Exception, match="already exists"):
            await migrated(earlier)
        assert await shape(database) == before
