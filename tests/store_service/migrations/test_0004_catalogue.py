"""What the catalogue's migration does to rows that are there already, and its way back."""

from pasar.kit import migrate
from pasar.kit.postgres import PostgresDatabase, PostgresSettings
from tests.fixtures.database import STORE_MIGRATIONS
from tests.store_service.shop import Shop

BEFORE = "0003"
TIMELESS = [
    "UPDATE products SET created_at = NULL, updated_at = '2020-01-02T00:00Z'",
    "UPDATE stores SET created_at = NULL, updated_at = NULL",
    "UPDATE categories SET updated_at = NULL",
]
TIMES = """
SELECT p.created_at = '2020-01-02T00:00Z' AS kept, p.created_at = p.updated_at AS same,
    s.created_at IS NOT NULL AS store, c.updated_at = c.created_at AS category
FROM products p JOIN stores s ON s.id = p.store_id JOIN categories c ON c.id = p.category_id
"""


async def test_d03_rows_without_a_time_get_a_real_one(
    clone: PostgresSettings, owner: PostgresDatabase
) -> None:
    await migrate.downgrade(clone, STORE_MIGRATIONS, "public", BEFORE)
    await Shop(owner).product()
    for statement in TIMELESS:
        await owner.execute(statement)
    await migrate.upgrade(clone, STORE_MIGRATIONS, "public")

    assert await owner.fetch_one(TIMES) == dict.fromkeys(
        ("kept", "same", "store", "category"), True
    )


async def test_a_deleted_product_without_category_survives_the_way_back(
    clone: PostgresSettings, owner: PostgresDatabase
) -> None:
    shop = Shop(owner)
    await shop.product()
    await owner.execute("UPDATE products SET deleted_at = now(), category_id = NULL")
    await migrate.downgrade(clone, STORE_MIGRATIONS, "public", BEFORE)

    joined = "SELECT c.name FROM products p JOIN categories c ON c.id = p.category_id"
    assert await owner.fetch_one(joined) == {"name": "deleted products"}
