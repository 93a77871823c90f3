"""
Orders in PostgreSQL as people see them: one, a buyer's, a seller's. Each is one statement.

The rows repeat an order, and the payment beside it, for each of its items.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

from pasar.kit.database import Database, Row
from pasar.kit.money import Money
from pasar.store_service.identity import UserId
from pasar.store_service.orders.model import (
    Item,
    Order,
    OrderId,
    OrderNotFound,
    OrderPage,
    Payment,
    SellerWithoutStore,
    Status,
)
from pasar.store_service.orders.repository import OrderReads

GET: Final = """
SELECT o.id, o.user_id, o.status, o.total_amount, o.shipping_address, o.created_at, o.updated_at,
    i.id AS item_id, i.product_id, i.quantity, i.price,
    y.id AS payment_id, y.method, y.status AS payment_status, y.amount, y.paid_at,
    y.created_at AS owed_at
FROM orders o
LEFT JOIN order_items i ON i.order_id = o.id
LEFT JOIN payments y ON y.order_id = o.id
WHERE o.id = $1
ORDER BY i.product_id, i.id
"""

# Page and count both read idx_orders_user_newest. Past the end one row is left, with the count.
PAGE_OF_BUYER: Final = """
SELECT n.total, o.id, o.user_id, o.status, o.total_amount, o.shipping_address, o.created_at,
    o.updated_at, i.id AS item_id, i.product_id, i.quantity, i.price,
    y.id AS payment_id, y.method, y.status AS payment_status, y.amount, y.paid_at,
    y.created_at AS owed_at
FROM (SELECT count(*) AS total FROM orders WHERE user_id = $1) n
LEFT JOIN (
    SELECT id, user_id, status, total_amount, shipping_address, created_at, updated_at
    FROM orders
    WHERE user_id = $1
    ORDER BY created_at DESC, id DESC
    LIMIT $2 OFFSET $3
) o ON true
LEFT JOIN order_items i ON i.order_id = o.id
LEFT JOIN payments y ON y.order_id = o.id
ORDER BY o.created_at DESC, o.id DESC, i.product_id, i.id
"""

# Only the seller's own part of each order, by idx_fulfilments_store_newest. No row: no store.
PAGE_OF_SELLER: Final = """
SELECT n.total, o.id, o.user_id, f.status, o.shipping_address, o.created_at, f.updated_at,
    i.id AS item_id, i.product_id, i.quantity, i.price
FROM stores s
CROSS JOIN LATERAL (SELECT count(*) AS total FROM fulfilments WHERE store_id = s.id) n
LEFT JOIN LATERAL (
    SELECT order_id, status, ordered_at, updated_at
    FROM fulfilments
    WHERE store_id = s.id
    ORDER BY ordered_at DESC, order_id DESC
    LIMIT $2 OFFSET $3
) f ON true
LEFT JOIN orders o ON o.id = f.order_id
LEFT JOIN order_items i ON i.order_id = f.order_id AND i.store_id = s.id
WHERE s.user_id = $1
ORDER BY f.ordered_at DESC, f.order_id DESC, i.product_id, i.id
"""


class PostgresOrderReads:
    def __init__(self, database: Database) -> None:
        self.database = database

    async def get(self, order_id: OrderId) -> Order:
        rows = await self.database.fetch(GET, order_id)
        if not rows:
            raise OrderNotFound
        return _order(rows)

    async def page_of_buyer(self, buyer: UserId, limit: int, offset: int) -> OrderPage:
        rows = await self.database.fetch(PAGE_OF_BUYER, buyer, limit, offset)
        return OrderPage(tuple(map(_order, _by_order(rows))), rows[0]["total"])

    async def page_of_seller(self, seller: UserId, limit: int, offset: int) -> OrderPage:
        rows = await self.database.fetch(PAGE_OF_SELLER, seller, limit, offset)
        if not rows:
            raise SellerWithoutStore
        return OrderPage(tuple(map(_own_part, _by_order(rows))), rows[0]["total"])


def _by_order(rows: Sequence[Row]) -> Iterable[list[Row]]:
    found = (row for row in rows if row["id"] is not None)
    return (list(same) for _, same in groupby(found, key=lambda row: row["id"]))


def _order(rows: Sequence[Row]) -> Order:
    order = rows[0]
    return Order(
        id=order["id"],
        user_id=order["user_id"],
        status=Status(order["status"]),
        total_amount=Money.of(order["total_amount"]),
        shipping_address=order["shipping_address"],
        items=_items(rows),
        payment=None if order["payment_id"] is None else _payment(order),
        created_at=order["created_at"],
        updated_at=order["updated_at"],
    )


def _own_part(rows: Sequence[Row]) -> Order:
    """Read a seller's part as if it were the whole order (contract D28)."""
    part, items = rows[0], _items(rows)
    return Order(
        id=part["id"],
        user_id=part["user_id"],
        status=Status(part["status"]),
        total_amount=sum((item.subtotal for item in items), Money(0)),
        shipping_address=part["shipping_address"],
        items=items,
        payment=None,
        created_at=part["created_at"],
        updated_at=part["updated_at"],
    )


def _items(rows: Sequence[Row]) -> tuple[Item, ...]:
    return tuple(
        Item(row["item_id"], row["product_id"], row["quantity"], Money.of(row["price"]))
        for row in rows
        if row["item_id"] is not None
    )


def _payment(row: Row) -> Payment:
    return Payment(
        id=row["payment_id"],
        order_id=row["id"],
        method=row["method"],
        status=row["payment_status"],
        amount=Money.of(row["amount"]),
        paid_at=row["paid_at"],
        created_at=row["owed_at"],
    )


_: type[OrderReads] = PostgresOrderReads
