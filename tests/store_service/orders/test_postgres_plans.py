"""How PostgreSQL goes about a checkout in a shop of some thousand products."""

from pasar.kit.postgres import PostgresDatabase
from pasar.store_service.orders.postgres import CHECKOUT
from tests.store_service.shop import Shop

STOCKED = """
INSERT INTO products (store_id, category_id, name, price, stock)
SELECT store_id, category_id, name, price, stock FROM products, generate_series(1, 3000)
WHERE id = $1
"""
BUYERS = """
INSERT INTO users (email, password, name) SELECT n || '@example.com', '', 'U'
FROM generate_series(1, 1000) AS n
"""
LINES = """
WITH owner AS (INSERT INTO carts (user_id) SELECT id FROM users RETURNING user_id)
INSERT INTO cart_items (user_id, product_id, quantity) SELECT user_id, $1, 1 FROM owner
"""


async def test_a_checkout_looks_at_its_own_rows_and_not_at_those_of_the_whole_shop(
    owner: PostgresDatabase,
) -> None:
    """A table of this size is read whole as soon as the planner is left to guess at a join."""
    lamp = await Shop(owner).product()
    await owner.execute(STOCKED, lamp)
    await owner.execute(BUYERS)
    await owner.execute(LINES, lamp)
    await owner.execute("ANALYZE products, carts, cart_items")

    async with owner.begin() as tx:
        await tx.execute(f"PREPARE checkout AS {CHECKOUT}")
        nothing = ", ".join(["NULL"] * 8)
        rows = await tx.fetch(f"EXPLAIN EXECUTE checkout ({nothing})")
    plan = "\n".join(row["QUERY PLAN"] for row in rows)

    assert "Seq Scan" not in plan
    assert "idx_cart_items_product_id" not in plan, "of a popular product these are all buyers"
