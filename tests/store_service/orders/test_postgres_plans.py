"""How PostgreSQL goes about carts and orders in a shop of some thousand products, or a new one."""

import pytest

from pasar.kit.outbox import CLAIM, SENT
from pasar.kit.postgres import PostgresDatabase
from pasar.store_service.cart import postgres as cart
from pasar.store_service.cart import postgres_rows
from pasar.store_service.orders import postgres_orders as orders
from pasar.store_service.orders.postgres import CART_VERSIONS, CHECKOUT
from tests.fixtures.plans import lasting_plan
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
PENDING = """
WITH placed AS (
    INSERT INTO orders (user_id, total_amount) SELECT id, 1 FROM users RETURNING id
), part AS (
    INSERT INTO fulfilments (order_id, store_id, status)
    SELECT placed.id, stores.id, 'pending' FROM placed, stores
)
INSERT INTO payments (order_id, amount) SELECT id, 1 FROM placed
"""
FULL_OF_ROWS = "ANALYZE products, carts, cart_items, orders, payments, fulfilments"

# What lists pages and looks for work that is due; no row is found in these by its key.
FOR_OTHERS = (
    "idx_products_newest",
    "idx_products_price",
    "idx_products_name",
    "idx_payments_pending",
    "idx_cart_items_product_id",  # of a popular product these are all buyers
)
BY_KEY = {
    "GET": postgres_rows.GET,
    "ADD": cart.ADD,
    "SET_QUANTITY": cart.SET_QUANTITY,
    "REMOVE": cart.REMOVE,
    "CHECKOUT": CHECKOUT,
    "CART_VERSIONS": CART_VERSIONS,
    "HOLD_ALL": orders.HOLD_ALL,
    "SETTLE": orders.SETTLE,
    "MOVE": orders.MOVE,
    "RESTOCK": orders.RESTOCK,
    "CLAIM": CLAIM,
    "SENT": SENT,
}


async def fill(owner: PostgresDatabase) -> None:
    lamp = await Shop(owner).product()
    await owner.execute(STOCKED, lamp)
    await owner.execute(BUYERS)
    await owner.execute(LINES, lamp)
    await owner.execute(PENDING)


@pytest.mark.parametrize("statement", BY_KEY)
@pytest.mark.parametrize("shop", ["empty", "full, never analysed", "full, analysed"])
async def test_a_statement_looks_at_its_own_rows_and_not_at_those_of_the_whole_shop(
    database: PostgresDatabase, owner: PostgresDatabase, statement: str, shop: str
) -> None:
    """The plan lasts, so it must be good when it is made in a shop without rows or statistics."""
    if shop != "empty":
        await fill(owner)
    if shop == "full, analysed":
        await owner.execute(FULL_OF_ROWS)

    plan = await lasting_plan(database, BY_KEY[statement])

    assert "Seq Scan" not in plan
    assert not [index for index in FOR_OTHERS if index in plan]


async def test_a_shop_whose_payments_wait_settles_one_without_reading_them_all(
    database: PostgresDatabase, owner: PostgresDatabase
) -> None:
    """Statistics that were made while nothing was pending promise an index without entries."""
    await owner.execute("ANALYZE payments, orders")
    await fill(owner)

    plan = await lasting_plan(database, orders.SETTLE)

    assert "payments_order_id_key" in plan
    assert "idx_payments_pending" not in plan
