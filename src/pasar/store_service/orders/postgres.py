"""
Checkout in PostgreSQL: the one statement that turns a cart into an order.

Everything an order consists of is written at once. Locks are taken in the program's one order: the
row of the cart or of the order, cart lines, products, each by ascending id.
"""

from collections.abc import Sequence
from typing import Final

from pasar.kit import failpoints, log
from pasar.kit.database import Database, OutcomeUnknown, Row
from pasar.kit.ids import Ids
from pasar.kit.money import Money
from pasar.store_service.orders.model import (
    Attempt,
    Item,
    Order,
    OrderNotFound,
    Payment,
    Placed,
    Status,
    Wanted,
    Wish,
)
from pasar.store_service.orders.repository import Checkouts, OrderReads
from pasar.store_service.orders.rules import LARGEST_TOTAL

# $1 order id, $2 buyer, $3 address, $4 message id, $5 request id, $6 expected total or NULL,
# $7 currency, $8 largest total.
# All or nothing, READ COMMITTED: every write hangs on `placed`, so a refusal writes nothing.
# Locks: the row of the cart (whoever changes its lines holds it), its lines, the products by id.
# A locked row is read in its newest state, though the snapshot may be older. FOR UPDATE throughout:
# FOR NO KEY UPDATE lets the foreign-key checks of cart adds share the row, and then deadlocks.
CHECKOUT: Final = """
WITH cart AS MATERIALIZED (
    SELECT user_id FROM carts WHERE user_id = $2 FOR UPDATE
), line AS MATERIALIZED (
    SELECT i.product_id, i.quantity
    FROM cart c JOIN cart_items i ON i.user_id = c.user_id
    ORDER BY i.product_id
    FOR UPDATE OF i
), ware AS MATERIALIZED (
    SELECT p.id, p.store_id, p.name, p.price, p.stock, p.version, l.quantity
    FROM line l JOIN products p ON p.id = l.product_id AND p.deleted_at IS NULL
    ORDER BY p.id
    FOR UPDATE OF p
), verdict AS (
    SELECT coalesce(sum(w.price * w.quantity), 0) AS total,
        count(w.id) = count(*) AND bool_and(w.stock >= l.quantity) AS served
    FROM line l LEFT JOIN ware w ON w.id = l.product_id
), placed AS (
    INSERT INTO orders (id, user_id, status, total_amount, shipping_address)
    SELECT $1, $2, 'pending', total, $3 FROM verdict
    WHERE served AND total <= $8 AND total = coalesce($6, total)
    RETURNING id, user_id, total_amount, created_at
), sold AS (
    UPDATE products p SET stock = p.stock - w.quantity, version = p.version + 1
    FROM placed, ware w
    WHERE p.id = w.id
), moved AS (
    INSERT INTO stock_ledger (product_id, order_id, kind, delta)
    SELECT w.id, o.id, 'sale', -w.quantity FROM placed o, ware w
), item AS (
    INSERT INTO order_items (order_id, product_id, store_id, quantity, price)
    SELECT o.id, w.id, w.store_id, w.quantity, w.price FROM placed o, ware w
    RETURNING id, product_id
), part AS (
    INSERT INTO fulfilments (order_id, store_id, status)
    SELECT DISTINCT o.id, w.store_id, 'pending' FROM placed o, ware w
), begun AS (
    INSERT INTO order_status_history (order_id, to_status, actor, actor_id, request_id)
    SELECT id, 'pending', 'buyer', user_id, $5 FROM placed
), owed AS (
    INSERT INTO payments (order_id, amount, currency) SELECT id, total_amount, $7 FROM placed
    RETURNING id, method
), told AS (
    INSERT INTO outbox (message_id, topic, aggregate_id, payload)
    SELECT $4, 'order.created', id::text, jsonb_build_object(
        'message_id', $4::uuid::text,
        'type', 'order.created',
        'version', '1',
        'occurred_at', to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'request_id', $5::text,
        'order_id', id::text,
        'user_id', user_id::text,
        'total_amount', trim_scale(total_amount)::text,
        'amount', trim_scale(total_amount)::text,
        'currency', $7::text)
    FROM placed
), emptied AS (
    DELETE FROM cart_items i USING placed o, line l
    WHERE i.user_id = o.user_id AND i.product_id = l.product_id
), changed AS (
    UPDATE carts c SET version = c.version + 1, updated_at = now()
    FROM placed o
    WHERE c.user_id = o.user_id
    RETURNING c.version
)
SELECT l.product_id, l.quantity, w.name, w.price, w.stock, w.version + 1 AS product_version,
    v.total, o.id AS order_id, o.created_at, i.id AS item_id,
    y.id AS payment_id, y.method, c.version AS cart_version
FROM line l
CROSS JOIN verdict v
LEFT JOIN ware w ON w.id = l.product_id
LEFT JOIN placed o ON true
LEFT JOIN item i ON i.product_id = l.product_id
LEFT JOIN owed y ON true
LEFT JOIN changed c ON true
ORDER BY l.product_id
"""

# Waits until every transaction that holds the cart has ended, however it ended.
CART_VERSION: Final = "SELECT version FROM carts WHERE user_id = $1 FOR UPDATE"


class PostgresCheckouts:
    def __init__(self, database: Database, reads: OrderReads, ids: Ids, currency: str) -> None:
        self.database = database
        self.reads = reads
        self.ids = ids
        self.currency = currency

    async def place(self, wish: Wish) -> Attempt:
        try:
            return await self._place(wish)
        except OutcomeUnknown:
            # Perhaps only the answer to the commit was lost; a second order would be worse.
            return await self._made(wish) or await self._place(wish)

    async def _place(self, wish: Wish) -> Attempt:
        await failpoints.reach("checkout.before_commit")
        expected = wish.expected_total
        rows = await self.database.fetch(
            CHECKOUT,
            wish.order_id,
            wish.buyer,
            wish.shipping_address,
            self.ids.new(),
            log.request_id.get(),
            None if expected is None else expected.decimal(),
            self.currency,
            LARGEST_TOTAL.decimal(),
        )
        made = rows and rows[0]["order_id"] is not None
        return Attempt(
            lines=tuple(_wanted(row) for row in rows),
            total=Money.of(rows[0]["total"]) if rows else Money(0),
            placed=_placed(wish, rows) if made else None,
        )

    async def _made(self, wish: Wish) -> Attempt | None:
        """Return the outcome of an attempt that did commit; product pages may lag behind it."""
        cart = await self.database.fetch_one(CART_VERSION, wish.buyer)
        try:
            order = await self.reads.get(wish.order_id)
        except OrderNotFound:
            return None
        version: int = cart["version"] if cart else 0
        return Attempt((), order.total_amount, Placed(order, version, {}))


def _wanted(row: Row) -> Wanted:
    return Wanted(row["product_id"], row["quantity"], row["name"] or "", row["stock"])


def _placed(wish: Wish, rows: Sequence[Row]) -> Placed:
    """Build the order from the rows of its items, each of which repeats what all share."""
    shared = rows[0]
    total = Money.of(shared["total"])
    made_at = shared["created_at"]
    order = Order(
        id=wish.order_id,
        user_id=wish.buyer,
        status=Status.PENDING,
        total_amount=total,
        shipping_address=wish.shipping_address,
        items=tuple(
            Item(row["item_id"], row["product_id"], row["quantity"], Money.of(row["price"]))
            for row in rows
        ),
        payment=Payment(
            id=shared["payment_id"],
            order_id=wish.order_id,
            method=shared["method"],
            status="pending",
            amount=total,
            paid_at=None,
            created_at=made_at,
        ),
        created_at=made_at,
        updated_at=made_at,
    )
    versions = {row["product_id"]: row["product_version"] for row in rows}
    return Placed(order, shared["cart_version"], versions)


_: type[Checkouts] = PostgresCheckouts
