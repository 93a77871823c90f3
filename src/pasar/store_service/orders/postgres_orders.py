"""
Orders in PostgreSQL once they are made: read, held, settled, restocked.

What changes an order holds its row first, in a statement of its own: plain reads of a statement
that waited for a lock would show the state before the wait. CHECKOUT is in `postgres.py`.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from pasar.kit import log
from pasar.kit.database import Database, Row, Tx
from pasar.kit.money import Money
from pasar.store_service.catalog.model import ProductId
from pasar.store_service.orders.model import (
    HeldOrder,
    Item,
    Order,
    OrderId,
    OrderNotFound,
    Payment,
    Status,
    Verdict,
)
from pasar.store_service.orders.repository import Orders
from pasar.store_service.orders.rules import outcome

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

HOLD: Final = "SELECT id, user_id, status, total_amount FROM orders WHERE id = $1 FOR UPDATE"

# $1 order, $2 new order status, $3 request id, $4 payment status, $5 payment reference, $6 reason.
# The guards are the old states: what is decided already stays, and then no row is touched.
SETTLE: Final = """
WITH moved AS (
    UPDATE orders SET status = $2::text, updated_at = now(),
        cancel_reason = CASE WHEN $2 = 'cancelled' THEN 'payment_failed' END
    WHERE id = $1 AND status = 'pending'
    RETURNING id
), part AS (
    UPDATE fulfilments f SET status = $2, updated_at = now()
    FROM moved o
    WHERE f.order_id = o.id AND f.status = 'pending'
), told AS (
    INSERT INTO order_status_history (order_id, from_status, to_status, actor, request_id)
    SELECT id, 'pending', $2, 'system', $3 FROM moved
)
UPDATE payments SET status = $4::text, payment_ref = $5, reason = $6, updated_at = now(),
    paid_at = CASE WHEN $4 = 'success' THEN now() END
WHERE order_id = $1 AND status = 'pending'
"""

# Once per order and product, because the ledger row is the permission. Stock stays an INTEGER: what
# does not fit is booked as `cap`, so that the ledger still adds up.
RESTOCK: Final = """
WITH back AS (
    INSERT INTO stock_ledger (product_id, order_id, kind, delta)
    SELECT product_id, order_id, 'restock', sum(quantity) FROM order_items
    WHERE order_id = $1
    GROUP BY product_id, order_id
    ON CONFLICT (order_id, product_id, kind) DO NOTHING
    RETURNING product_id, delta
), held AS (
    SELECT p.id, p.stock FROM products p JOIN back b ON b.product_id = p.id
    ORDER BY p.id
    FOR UPDATE OF p
), cap AS (
    INSERT INTO stock_ledger (product_id, order_id, kind, delta)
    SELECT h.id, $1, 'cap', 2147483647 - (h.stock + b.delta)
    FROM held h JOIN back b ON b.product_id = h.id
    WHERE h.stock + b.delta > 2147483647
)
UPDATE products p SET stock = least(p.stock + b.delta, 2147483647), version = p.version + 1
FROM back b JOIN held h ON h.id = b.product_id
WHERE p.id = b.product_id
RETURNING p.id, p.version
"""


class PostgresOrders:
    def __init__(self, database: Database) -> None:
        self.database = database

    async def get(self, order_id: OrderId) -> Order:
        rows = await self.database.fetch(GET, order_id)
        if not rows:
            raise OrderNotFound
        return _order(rows)

    async def hold(self, tx: Tx, order_id: OrderId) -> HeldOrder:
        row = await tx.fetch_one(HOLD, order_id)
        if row is None:
            raise OrderNotFound
        return HeldOrder(
            row["id"], row["user_id"], Status(row["status"]), Money.of(row["total_amount"])
        )

    async def settle(self, tx: Tx, verdict: Verdict) -> None:
        await tx.execute(
            SETTLE,
            verdict.order_id,
            outcome(verdict).value,
            log.request_id.get(),
            "success" if verdict.approved else "failed",
            verdict.payment_ref,
            None if verdict.approved else verdict.message,
        )

    async def restock(self, tx: Tx, order_id: OrderId) -> Mapping[ProductId, int]:
        return {row["id"]: row["version"] for row in await tx.fetch(RESTOCK, order_id)}


def _order(rows: Sequence[Row]) -> Order:
    """Read rows that repeat order and payment beside each item."""
    order = rows[0]
    return Order(
        id=order["id"],
        user_id=order["user_id"],
        status=Status(order["status"]),
        total_amount=Money.of(order["total_amount"]),
        shipping_address=order["shipping_address"],
        items=tuple(_item(row) for row in rows if row["item_id"] is not None),
        payment=None if order["payment_id"] is None else _payment(order),
        created_at=order["created_at"],
        updated_at=order["updated_at"],
    )


def _item(row: Row) -> Item:
    return Item(row["item_id"], row["product_id"], row["quantity"], Money.of(row["price"]))


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


_: type[Orders] = PostgresOrders
