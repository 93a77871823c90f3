"""Who may write which table: in the source by its owner, in the database by grant."""

import asyncpg
import pytest

from pasar.kit.postgres import PostgresDatabase
from tests.house.statements import statements

OWNERS = {
    "store_service.accounts": {"users", "refresh_families", "refresh_tokens", "login_failures"},
    "store_service.stores": {"stores"},
    "store_service.catalog": {"categories", "products", "product_changes", "stock_ledger"},
    "store_service.cart": {"carts", "cart_items"},
    "store_service.orders": {
        "orders",
        "order_items",
        "fulfilments",
        "order_status_history",
        "payments",
    },
    "store_service.payments": {"refunds"},
    "store_service.reviews": {"reviews"},
    "store_service.heartbeat": {"heartbeats"},
    "payment_service": {"charges", "refunds", "provider_ledger"},
    "kit.idempotency": {"idempotency_keys"},
    "kit": {"outbox", "inbox", "dead_letters"},
}

# What must happen together is one statement, so these reach into tables of others. ARCHITECTURE.md
# lists them with their reasons.
LISTED = {
    "store_service.catalog.postgres.CLEAR_FROM_CARTS": {"cart_items", "carts"},
    "store_service.orders.postgres.CHECKOUT": {
        "cart_items",
        "carts",
        "products",
        "stock_ledger",
        "outbox",
    },
    "store_service.orders.postgres_orders.CANCEL": {"refunds"},
    "store_service.orders.postgres_orders.SETTLE": {"refunds"},
    "store_service.orders.postgres_orders.RESTOCK": {"products", "stock_ledger"},
    "store_service.payments.postgres.CLAIM_PAYMENTS": {"payments", "outbox"},
    "store_service.payments.postgres.LOOK_AGAIN": {"payments"},
    "store_service.payments.postgres.REFUNDED": {"payments"},
    "store_service.payments.postgres.GIVE_UP": {"dead_letters"},
    "payment_service.postgres.SETTLE": {"outbox"},
    "payment_service.postgres.REMIND": {"outbox"},
    "cli.planting.PLANT": {"users", "stores", "categories", "products", "stock_ledger"},
}

ALL_TABLES = """
SELECT table_schema AS schema, table_name AS name FROM information_schema.tables
WHERE table_schema IN ('public', 'payment') AND table_name <> 'alembic_version'
"""


def test_a_table_is_written_by_its_owner_or_a_listed_statement() -> None:
    """Equal, not a subset: an exception that is no longer needed leaves the list."""
    strangers = {
        str(statement): strange
        for statement in statements()
        if (strange := statement.written - _owned_by(statement.module))
    }

    assert strangers == LISTED


def _owned_by(module: str) -> set[str]:
    return next((tables for owner, tables in OWNERS.items() if module.startswith(owner)), set())


@pytest.mark.parametrize("schema", ["public", "payment"])
async def test_every_table_has_one_owner(owner: PostgresDatabase, schema: str) -> None:
    found = [row["name"] for row in await owner.fetch(ALL_TABLES) if row["schema"] == schema]
    owned = [table for who in OWNERS if _works_in(who, schema) for table in OWNERS[who]]

    assert sorted(found) == sorted(owned)


def _works_in(who: str, schema: str) -> bool:
    return who == "kit" or (who == "payment_service") == (schema == "payment")


@pytest.mark.parametrize("table", ["stock_ledger", "order_status_history"])
@pytest.mark.parametrize("write", ["UPDATE {} SET at = now()", "DELETE FROM {}", "TRUNCATE {}"])
async def test_h57_the_shop_only_adds_to_its_ledgers(
    database: PostgresDatabase, table: str, write: str
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.execute(write.format(table))


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE provider_ledger SET approved = true",
        "DELETE FROM provider_ledger",
        "DELETE FROM refunds",
        "SELECT FROM public.users",
        "SELECT FROM public.orders",
        "UPDATE alembic_version SET version_num = 'x'",
        "CREATE TABLE x (y INT)",
        "DROP TABLE charges",
    ],
)
async def test_h57_the_payment_service_is_denied(
    payment_database: PostgresDatabase, sql: str
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await payment_database.execute(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT FROM payment.charges",
        "INSERT INTO payment.provider_ledger DEFAULT VALUES",
        "UPDATE alembic_version SET version_num = 'x'",
        "CREATE TABLE x (y INT)",
        "ALTER TABLE users ADD x INT",
        "DROP TABLE reviews",
    ],
)
async def test_h57_the_shop_is_denied(database: PostgresDatabase, sql: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.execute(sql)
