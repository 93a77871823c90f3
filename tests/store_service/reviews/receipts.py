"""Plants an order of one unit, as far on its way as a test wants it."""

from typing import Final
from uuid import uuid4

from pasar.store_service.catalog.model import ProductId
from pasar.store_service.identity import UserId
from tests.store_service.shop import Shop

RECEIPT: Final = """
WITH bought AS (
    INSERT INTO orders (id, user_id, status, total_amount) VALUES ($1, $2, $4, 10)
    RETURNING id
), item AS (
    INSERT INTO order_items (order_id, product_id, store_id, quantity, price)
    SELECT o.id, p.id, p.store_id, 1, 10 FROM bought o, products p WHERE p.id = $3
)
INSERT INTO fulfilments (order_id, store_id, status)
SELECT o.id, p.store_id, $4 FROM bought o, products p WHERE p.id = $3
"""


async def receive(shop: Shop, buyer: UserId, product_id: ProductId, status: str) -> None:
    await shop.database.execute(RECEIPT, uuid4(), buyer, product_id, status)
