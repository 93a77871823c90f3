"""
Orders in PostgreSQL once they are made: held, settled, moved, cancelled, restocked.

What changes an order holds its row first, in a statement of its own: plain reads of a statement
that waited for a lock would show the state before the wait. CHECKOUT is in `postgres.py`, what
people read in `postgres_reads.py`.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from pasar.kit import log
from pasar.kit.database import Row, Tx
from pasar.kit.money import Money
from pasar.store_service.catalog.model import ProductId
from pasar.store_service.identity import UserId
from pasar.store_service.orders.model import (
    HeldOrder,
    OrderId,
    OrderNotFound,
    Status,
    Step,
    Verdict,
)
from pasar.store_service.orders.repository import Orders
from pasar.store_service.orders.rules import CANCELLABLE, outcome
from pasar.store_service.stores.model import StoreId

HOLD: Final = "SELECT id, user_id, status, total_amount FROM orders WHERE id = $1 FOR UPDATE"

HOLD_ALL: Final = """
SELECT id, user_id, status, total_amount FROM orders
WHERE id = ANY($1::uuid[])
ORDER BY id
FOR UPDATE
"""

PARTS: Final = "SELECT store_id, status FROM fulfilments WHERE order_id = $1"

# One array per column: order, its new status, what cancels it, request id, status of the payment,
# its reference, reason. The guards are the old states: what is decided already stays, and then no
# row is touched. Money that comes for an order cancelled before is owed back. A payment is found by
# its order, then judged: a plan that may look for what is pending reads all that are (ADR 29).
SETTLE: Final = """
WITH verdict AS (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
        $7::text[]) AS v (id, status, cancel_reason, request_id, payment, ref, reason)
), owed AS MATERIALIZED (
    SELECT order_id, status FROM payments WHERE order_id = ANY($1) ORDER BY order_id FOR UPDATE
), moved AS (
    UPDATE orders o SET status = v.status, cancel_reason = v.cancel_reason, updated_at = now()
    FROM verdict v
    WHERE o.id = ANY($1) AND o.id = v.id AND o.status = 'pending'
    RETURNING o.id, o.status, v.request_id
), part AS (
    UPDATE fulfilments f SET status = o.status, updated_at = now()
    FROM moved o
    WHERE f.order_id = o.id AND f.status = 'pending'
), told AS (
    INSERT INTO order_status_history (order_id, from_status, to_status, actor, request_id)
    SELECT id, 'pending', status, 'system', request_id FROM moved
), paid AS (
    UPDATE payments p
    SET status = v.payment, payment_ref = v.ref, reason = v.reason, updated_at = now(),
        paid_at = CASE WHEN v.payment = 'success' THEN now() END
    FROM verdict v
    WHERE p.order_id = ANY(ARRAY(SELECT order_id FROM owed WHERE status = 'pending'))
        AND p.order_id = v.id
    RETURNING p.order_id, p.amount, p.status
)
INSERT INTO refunds (order_id, amount)
SELECT p.order_id, p.amount FROM paid p JOIN orders o ON o.id = p.order_id
WHERE p.status = 'success' AND o.status = 'cancelled'
ON CONFLICT (order_id) DO NOTHING
"""

# $1 order, $2 its status, $3 buyer, $4 request id, $5 the statuses that a buyer may cancel.
# One part past them, and no row is touched. What was paid is owed back, once; what is not paid yet
# is called off.
CANCEL: Final = """
WITH moved AS (
    UPDATE orders SET status = 'cancelled', cancel_reason = 'buyer', updated_at = now()
    WHERE id = $1 AND status = ANY($5::text[])
        AND NOT EXISTS (SELECT FROM fulfilments WHERE order_id = $1 AND status <> ALL($5))
    RETURNING id
), part AS (
    UPDATE fulfilments f SET status = 'cancelled', updated_at = now()
    FROM moved o
    WHERE f.order_id = o.id
), owed AS (
    INSERT INTO refunds (order_id, amount)
    SELECT p.order_id, p.amount FROM moved o JOIN payments p ON p.order_id = o.id
    WHERE p.status = 'success'
    ON CONFLICT (order_id) DO NOTHING
), called_off AS (
    UPDATE payments p SET void_wanted = true, next_check_at = now()
    FROM moved o
    WHERE p.order_id = o.id AND p.status = 'pending'
)
INSERT INTO order_status_history
    (order_id, from_status, to_status, actor, actor_id, request_id)
SELECT id, $2, 'cancelled', 'buyer', $3, $4 FROM moved
"""

# $1 order, $2 store, $3 and $4 the part before and after, $5 and $6 the order, $7 seller,
# $8 request id. The history has a row for the part, and one for the order if that moves too.
MOVE: Final = """
WITH part AS (
    UPDATE fulfilments SET status = $4::text, updated_at = now()
    WHERE order_id = $1 AND store_id = $2 AND status = $3::text
    RETURNING order_id, store_id
), whole AS (
    UPDATE orders o SET status = $6::text, updated_at = now()
    FROM part p
    WHERE o.id = p.order_id AND o.status = $5::text AND $5 <> $6
    RETURNING o.id
)
INSERT INTO order_status_history
    (order_id, store_id, from_status, to_status, actor, actor_id, request_id)
SELECT order_id, store_id, $3, $4, 'seller', $7::uuid, $8::text FROM part
UNION ALL
SELECT id, NULL, $5, $6, 'seller', $7, $8 FROM whole
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
    async def hold(self, tx: Tx, order_id: OrderId) -> HeldOrder:
        row = await tx.fetch_one(HOLD, order_id)
        if row is None:
            raise OrderNotFound
        return _held(row)

    async def hold_all(self, tx: Tx, order_ids: Sequence[OrderId]) -> Mapping[OrderId, HeldOrder]:
        return {row["id"]: _held(row) for row in await tx.fetch(HOLD_ALL, order_ids)}

    async def parts(self, tx: Tx, order_id: OrderId) -> Mapping[StoreId, Status]:
        rows = await tx.fetch(PARTS, order_id)
        return {row["store_id"]: Status(row["status"]) for row in rows}

    async def settle(self, tx: Tx, verdicts: Sequence[Verdict]) -> None:
        await tx.execute(SETTLE, *zip(*map(_settling, verdicts), strict=True))

    async def cancel(self, tx: Tx, order: HeldOrder) -> bool:
        request_id = log.request_id.get()
        moved = await tx.execute(
            CANCEL, order.id, order.status, order.user_id, request_id, CANCELLABLE
        )
        return moved > 0

    async def move(self, tx: Tx, step: Step, seller: UserId) -> None:
        await tx.execute(
            MOVE,
            step.order.id,
            step.store_id,
            step.before,
            step.after,
            step.order.status,
            step.order_after,
            seller,
            log.request_id.get(),
        )

    async def restock(self, tx: Tx, order_id: OrderId) -> Mapping[ProductId, int]:
        return {row["id"]: row["version"] for row in await tx.fetch(RESTOCK, order_id)}


def _held(row: Row) -> HeldOrder:
    return HeldOrder(
        row["id"], row["user_id"], Status(row["status"]), Money.of(row["total_amount"])
    )


def _settling(verdict: Verdict) -> tuple[OrderId, str, str | None, str, str, str, str | None]:
    """Return a verdict's line of SETTLE."""
    cancel_reason = "payment_timeout" if verdict.called_off else "payment_failed"
    return (
        verdict.order_id,
        outcome(verdict).value,
        None if verdict.approved else cancel_reason,
        verdict.request_id,
        "success" if verdict.approved else "failed",
        verdict.payment_ref,
        None if verdict.approved else verdict.message,
    )


_: type[Orders] = PostgresOrders
