"""
Checkout in PostgreSQL: the one statement that turns a cart into an order.

Everything an order consists of is written at once. Locks are taken in the program's one order: the
row of the cart or of the order, cart lines, products, each by ascending id.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import groupby
from operator import itemgetter
from typing import Final

from pasar.kit import failpoints
from pasar.kit.database import Database, OutcomeUnknown, Row
from pasar.kit.ids import Ids
from pasar.kit.money import Money
from pasar.store_service.orders.model import (
    Attempt,
    Item,
    Order,
    OrderId,
    OrderNotFound,
    Payment,
    Placed,
    Status,
    Wanted,
    Wish,
)
from pasar.store_service.orders.repository import BatchCheckouts, OrderReads
from pasar.store_service.orders.rules import LARGEST_TOTAL, first_of_each_cart, unanswered

# Of each wish: $1 order id, $2 buyer (all different), $3 address, $4 message id, $5 request id,
# $6 expected total or NULL; $7 currency, $8 largest total.
# Wishes are served in their order. Each is placed wholly or not at all: every write hangs on
# `placed`. A wish counts in `asked` even if it is refused, so that one behind it may go unserved
# for nothing: its lines then show enough in stock, and it is asked for again.
# Locks: the rows of the carts (whoever changes their lines holds them), the lines, the products, by
# ascending id. A locked row is read in its newest state, though the snapshot may be older; `sold`
# counts from there, as an UPDATE that counts for itself checks constraints on the snapshot's row
# before it looks for a newer one: stock that came back meanwhile would be refused as negative.
# FOR UPDATE throughout: FOR NO KEY UPDATE lets the foreign-key checks of cart adds share the row,
# and then deadlocks. Arrays instead of joins: planned in advance, a join reads a table of some
# thousand rows as a whole, and the index of a product's cart lines, many where it is popular.
# OFFSET 0: products are found by key, then judged (ADR 29).
CHECKOUT: Final = """
WITH wish AS MATERIALIZED (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::numeric[])
        WITH ORDINALITY
        AS w (order_id, user_id, address, message_id, request_id, expected, turn)
), cart AS MATERIALIZED (
    SELECT user_id FROM carts WHERE user_id = ANY($2) ORDER BY user_id FOR UPDATE
), line AS MATERIALIZED (
    SELECT user_id, product_id, quantity
    FROM cart_items
    WHERE user_id = ANY(ARRAY(SELECT user_id FROM cart))
    ORDER BY product_id, user_id
    FOR UPDATE
), ware AS MATERIALIZED (
    SELECT id, store_id, name, price, stock, version
    FROM (
        SELECT id, store_id, name, price, stock, version, deleted_at
        FROM products
        WHERE id = ANY(ARRAY(SELECT product_id FROM line))
        ORDER BY id OFFSET 0
        FOR UPDATE
    ) AS found
    WHERE deleted_at IS NULL
), wanted AS MATERIALIZED (
    SELECT w.turn, w.order_id, l.product_id, l.quantity, p.id AS ware_id, p.store_id, p.name,
        p.price, p.stock, p.version,
        sum(l.quantity) OVER (PARTITION BY l.product_id ORDER BY w.turn) AS asked
    FROM wish w JOIN line l ON l.user_id = w.user_id LEFT JOIN ware p ON p.id = l.product_id
), verdict AS MATERIALIZED (
    SELECT order_id, coalesce(sum(price * quantity), 0) AS total,
        count(ware_id) = count(*) AND bool_and(stock >= asked) AS served
    FROM wanted
    GROUP BY order_id
), placed AS (
    INSERT INTO orders (id, user_id, status, total_amount, shipping_address)
    SELECT w.order_id, w.user_id, 'pending', v.total, w.address
    FROM verdict v JOIN wish w ON w.order_id = v.order_id
    WHERE v.served AND v.total <= $8 AND v.total = coalesce(w.expected, v.total)
    RETURNING id, user_id, total_amount, created_at
), ordered AS MATERIALIZED (
    SELECT w.* FROM placed o JOIN wanted w ON w.order_id = o.id
), sold AS (
    UPDATE products p SET stock = o.stock - o.quantity, version = p.version + 1
    FROM (SELECT product_id, stock, sum(quantity) AS quantity FROM ordered GROUP BY 1, 2) o
    WHERE p.id = o.product_id
), moved AS (
    INSERT INTO stock_ledger (product_id, order_id, kind, delta)
    SELECT product_id, order_id, 'sale', -quantity FROM ordered
), item AS (
    INSERT INTO order_items (order_id, product_id, store_id, quantity, price)
    SELECT order_id, product_id, store_id, quantity, price FROM ordered
    RETURNING id, order_id, product_id
), part AS (
    INSERT INTO fulfilments (order_id, store_id, status)
    SELECT DISTINCT order_id, store_id, 'pending' FROM ordered
), begun AS (
    INSERT INTO order_status_history (order_id, to_status, actor, actor_id, request_id)
    SELECT o.id, 'pending', 'buyer', o.user_id, w.request_id
    FROM placed o JOIN wish w ON w.order_id = o.id
), owed AS (
    INSERT INTO payments (order_id, amount, currency) SELECT id, total_amount, $7 FROM placed
    RETURNING id, order_id, method
), told AS (
    INSERT INTO outbox (message_id, topic, aggregate_id, payload)
    SELECT w.message_id, 'order.created', o.id::text, jsonb_build_object(
        'message_id', w.message_id::text,
        'type', 'order.created',
        'version', '1',
        'occurred_at', to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'request_id', w.request_id,
        'order_id', o.id::text,
        'user_id', o.user_id::text,
        'total_amount', trim_scale(total_amount)::text,
        'amount', trim_scale(total_amount)::text,
        'currency', $7::text)
    FROM placed o JOIN wish w ON w.order_id = o.id
), emptied AS (
    DELETE FROM cart_items WHERE user_id = ANY(ARRAY(SELECT user_id FROM placed))
), changed AS (
    UPDATE carts c SET version = c.version + 1, updated_at = now()
    FROM placed o
    WHERE c.user_id = o.user_id
    RETURNING c.user_id, c.version
)
SELECT w.turn, w.product_id, w.quantity, w.name, w.price, w.version + 1 AS product_version,
    w.stock - coalesce(sum(w.quantity) FILTER (WHERE o.id IS NOT NULL)
        OVER (PARTITION BY w.product_id ORDER BY w.turn), 0) AS in_stock,
    v.total, o.id AS order_id, o.created_at, i.id AS item_id, y.id AS payment_id, y.method,
    c.version AS cart_version
FROM wanted w
JOIN verdict v ON v.order_id = w.order_id
LEFT JOIN placed o ON o.id = w.order_id
LEFT JOIN item i ON i.order_id = w.order_id AND i.product_id = w.product_id
LEFT JOIN owed y ON y.order_id = w.order_id
LEFT JOIN changed c ON c.user_id = o.user_id
ORDER BY w.turn, w.product_id
"""

# Waits until every transaction that holds one of the carts has ended, however it ended.
CART_VERSIONS: Final = """
SELECT user_id, version FROM carts WHERE user_id = ANY($1) ORDER BY user_id FOR UPDATE
"""


class PostgresCheckouts:
    def __init__(self, database: Database, reads: OrderReads, ids: Ids, currency: str) -> None:
        self.database = database
        self.reads = reads
        self.ids = ids
        self.currency = currency

    async def place_all(self, wishes: Sequence[Wish]) -> Sequence[Attempt]:
        attempts: dict[OrderId, Attempt] = {}
        waiting = wishes
        while waiting:
            attempts |= await self._ask(first_of_each_cart(waiting))
            waiting = unanswered(waiting, attempts)
        return [attempts[wish.order_id] for wish in wishes]

    async def _ask(self, wishes: Sequence[Wish]) -> Mapping[OrderId, Attempt]:
        try:
            return await self._place(wishes)
        except OutcomeUnknown:
            # Perhaps only the answer to the commit was lost; a second order would be worse.
            return await self._made(wishes) or await self._place(wishes)

    async def _place(self, wishes: Sequence[Wish]) -> Mapping[OrderId, Attempt]:
        await failpoints.reach("checkout.before_commit")
        rows = await self.database.fetch(
            CHECKOUT,
            [wish.order_id for wish in wishes],
            [wish.buyer for wish in wishes],
            [wish.shipping_address for wish in wishes],
            [self.ids.new() for _ in wishes],
            [wish.request_id for wish in wishes],
            [wish.expected_total and wish.expected_total.decimal() for wish in wishes],
            self.currency,
            LARGEST_TOTAL.decimal(),
        )
        lines = {turn: tuple(of_one) for turn, of_one in groupby(rows, itemgetter("turn"))}
        return {
            wish.order_id: _attempt(wish, lines.get(turn, ()))
            for turn, wish in enumerate(wishes, start=1)
        }

    async def _made(self, wishes: Sequence[Wish]) -> Mapping[OrderId, Attempt]:
        """Return the orders of a statement that did commit; product pages may lag behind it."""
        rows = await self.database.fetch(CART_VERSIONS, [wish.buyer for wish in wishes])
        versions = {row["user_id"]: row["version"] for row in rows}
        made: dict[OrderId, Attempt] = {}
        for wish in wishes:
            with suppress(OrderNotFound):
                order = await self.reads.get(wish.order_id)
                placed = Placed(order, versions[wish.buyer], {})
                made[wish.order_id] = Attempt((), order.total_amount, placed)
        return made


def _attempt(wish: Wish, rows: Sequence[Row]) -> Attempt:
    """Build it from the rows of the wish's lines, each of which repeats what all share."""
    if not rows:
        return Attempt((), Money(0), None)
    return Attempt(
        lines=tuple(
            Wanted(row["product_id"], row["quantity"], row["name"] or "", row["in_stock"])
            for row in rows
        ),
        total=Money.of(rows[0]["total"]),
        placed=_placed(wish, rows) if rows[0]["order_id"] else None,
    )


def _placed(wish: Wish, rows: Sequence[Row]) -> Placed:
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


_: type[BatchCheckouts] = PostgresCheckouts
