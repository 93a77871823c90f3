"""
What must always be true of the shop's figures: a name, a sentence, and the SQL that finds breaches.

Every query returns the offending rows as `kind` (`order`, `product`, …) and `id`; none means the
sentence holds. `$1` is the calm: rows younger than it are still on their way and not judged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Invariant:
    name: str
    sentence: str
    sql: str


# Where the state table of orders/rules.py is needed in SQL, it is written out again: an audit that
# shared the shop's tables would share its mistakes.
INVARIANTS: Final[Sequence[Invariant]] = (
    Invariant(
        "I01",
        "stock is conserved: a product's stock is the sum of its ledger, its sales the lines sold",
        """
        SELECT 'product' AS kind, p.id::text AS id
        FROM products p LEFT JOIN stock_ledger m ON m.product_id = p.id
        GROUP BY p.id
        HAVING p.stock <> coalesce(sum(m.delta), 0)
        UNION
        SELECT 'order', order_id::text
        FROM (
            SELECT i.order_id, i.product_id, sum(i.quantity) AS units
            FROM order_items i JOIN orders o ON o.id = i.order_id
            WHERE NOT o.adopted
            GROUP BY i.order_id, i.product_id
        ) line
        FULL JOIN (
            SELECT order_id, product_id, -delta AS units FROM stock_ledger WHERE kind = 'sale'
        ) sale USING (order_id, product_id)
        WHERE line.units IS DISTINCT FROM sale.units
        """,
    ),
    Invariant(
        "I02",
        "nothing is negative: no stock, no price, no quantity",
        """
        SELECT 'product' AS kind, id::text AS id FROM products WHERE stock < 0 OR price < 0
        UNION
        SELECT 'order', i.order_id::text
        FROM order_items i JOIN orders o ON o.id = i.order_id
        WHERE NOT o.adopted AND (i.quantity <= 0 OR i.price < 0)
        """,
    ),
    Invariant(
        "I03",
        "stock is given back exactly for cancelled orders, exactly once",
        """
        SELECT 'order' AS kind, order_id::text AS id
        FROM (
            SELECT i.order_id, i.product_id, sum(i.quantity) AS units
            FROM order_items i JOIN orders o ON o.id = i.order_id
            WHERE o.status = 'cancelled' AND NOT o.adopted
            GROUP BY i.order_id, i.product_id
        ) line
        FULL JOIN (
            SELECT m.order_id, m.product_id, m.delta AS units
            FROM stock_ledger m JOIN orders o ON o.id = m.order_id
            WHERE m.kind = 'restock' AND NOT o.adopted
        ) back USING (order_id, product_id)
        WHERE line.units IS DISTINCT FROM back.units
        """,
    ),
    Invariant(
        "I04",
        "an order's total is the sum of its lines, of which there is at least one",
        """
        SELECT 'order' AS kind, o.id::text AS id
        FROM orders o LEFT JOIN order_items i ON i.order_id = o.id
        WHERE NOT o.adopted
        GROUP BY o.id
        HAVING o.total_amount IS DISTINCT FROM sum(i.price * i.quantity)
        """,
    ),
    Invariant(
        "I05",
        "no order stays pending",
        # Those of the earlier service are called off from the migration on, by their payment's age.
        """
        SELECT 'order' AS kind, o.id::text AS id
        FROM orders o LEFT JOIN payments p ON p.order_id = o.id
        WHERE (o.status = 'pending' OR p.status = 'pending')
            AND coalesce(p.created_at, o.created_at) <= now() - $1::interval
        """,
    ),
    Invariant(
        "I06",
        "a paid order was charged, with the amount it shows",
        """
        SELECT 'order' AS kind, o.id::text AS id
        FROM orders o
        LEFT JOIN payment.charges c
            ON c.order_id = o.id::text AND c.status = 'success' AND c.amount = o.total_amount
        WHERE o.status IN ('paid', 'processing', 'shipping', 'shipped', 'completed')
            AND NOT o.adopted AND c.order_id IS NULL
        """,
    ),
    Invariant(
        "I07",
        "charged means delivered or owed back in full, never both",
        """
        SELECT 'order' AS kind, c.order_id AS id
        FROM payment.charges c LEFT JOIN orders o ON o.id::text = c.order_id
            LEFT JOIN refunds r ON r.order_id = o.id
        WHERE c.status = 'success'
            AND c.updated_at <= now() - least($1::interval, interval '60 s')
            AND (o.status IN ('paid', 'processing', 'shipping', 'shipped', 'completed')
                    AND r.id IS NULL
                OR o.status = 'cancelled' AND r.amount = c.amount) IS NOT TRUE
        """,
    ),
    Invariant(
        "I08",
        "the bank took each order's money at most once, and holds what the live order costs",
        """
        SELECT 'order' AS kind, b.order_id AS id
        FROM payment.provider_ledger b LEFT JOIN orders o ON o.id::text = b.order_id
            LEFT JOIN refunds r ON r.order_id = o.id
        WHERE b.approved AND b.at <= now() - least($1::interval, interval '60 s')
        GROUP BY b.order_id, o.status, o.total_amount, r.status
        HAVING count(*) FILTER (WHERE b.kind = 'charge') <> 1
            OR count(*) FILTER (WHERE b.kind = 'refund') > 1
            OR r.status IS DISTINCT FROM 'pending'
                AND sum(CASE b.kind WHEN 'charge' THEN b.amount ELSE -b.amount END)
                IS DISTINCT FROM CASE WHEN o.status = 'cancelled' THEN 0 ELSE o.total_amount END
        """,
    ),
    Invariant(
        "I09",
        "an order's history is a path of the state table that ends at its status, which is that of"
        " its least advanced part",
        """
        SELECT 'order' AS kind, h.order_id::text AS id
        FROM (
            SELECT order_id, from_status, to_status,
                lag(to_status) OVER path AS before, lead(to_status) OVER path AS after
            FROM order_status_history WHERE store_id IS NULL
            WINDOW path AS (PARTITION BY order_id ORDER BY id)
        ) h JOIN orders o ON o.id = h.order_id
        WHERE (h.before IS NOT NULL OR NOT o.adopted) AND h.from_status IS DISTINCT FROM h.before
            OR h.after IS NULL AND h.to_status <> o.status
            OR (coalesce(h.from_status, ''), h.to_status) NOT IN (
                ('', 'pending'), ('pending', 'paid'), ('paid', 'processing'),
                ('processing', 'shipping'), ('shipping', 'shipped'), ('shipped', 'completed'),
                ('pending', 'cancelled'), ('paid', 'cancelled'), ('processing', 'cancelled'))
        UNION
        SELECT 'order', o.id::text
        FROM orders o
        WHERE NOT o.adopted
            AND NOT EXISTS (SELECT FROM order_status_history h WHERE h.order_id = o.id)
        UNION
        SELECT 'order', o.id::text
        FROM orders o
        WHERE o.status <> (
            SELECT f.status FROM fulfilments f WHERE f.order_id = o.id
            ORDER BY array_position(ARRAY['pending', 'paid', 'processing', 'shipping', 'shipped',
                'completed', 'cancelled'], f.status::text)
            LIMIT 1)
        """,
    ),
    Invariant(
        "I10",
        "every event is sent; each order was told about exactly once",
        """
        SELECT 'order' AS kind, aggregate_id AS id FROM outbox
        WHERE sent_at IS NULL AND created_at <= now() - $1::interval
        UNION
        SELECT 'order', aggregate_id FROM payment.outbox
        WHERE sent_at IS NULL AND created_at <= now() - $1::interval
        UNION
        SELECT 'order', o.id::text
        FROM orders o
        WHERE NOT o.adopted AND o.created_at > now() - interval '6 days'
            AND 1 <> (SELECT count(*) FROM outbox b
                WHERE b.aggregate_id = o.id::text AND b.topic = 'order.created')
        """,
    ),
    Invariant(
        "I12",
        "a checkout's key stands for an order of its buyer",
        """
        SELECT 'order' AS kind, k.resource_id::text AS id
        FROM idempotency_keys k
        LEFT JOIN orders o ON o.id = k.resource_id AND o.user_id = k.user_id
        WHERE k.route = 'POST /api/v1/orders' AND o.id IS NULL
        """,
    ),
    Invariant(
        "I13",
        "a review is backed by a delivered part with the product",
        """
        SELECT 'review' AS kind, r.id::text AS id
        FROM reviews r
        WHERE NOT EXISTS (
            SELECT FROM orders o
            JOIN order_items i ON i.order_id = o.id
            JOIN fulfilments f ON f.order_id = o.id AND f.store_id = i.store_id
            WHERE o.user_id = r.user_id AND i.product_id = r.product_id
                AND f.status IN ('shipped', 'completed'))
        """,
    ),
    Invariant(
        "I14",
        "rotation leaves one live token: a family has no more of them than beginnings",
        # One beginning, the login's; more only while JWT_REFRESH_ROTATION is false.
        """
        SELECT 'refresh family' AS kind, f.id::text AS id
        FROM refresh_families f JOIN refresh_tokens t ON t.family_id = f.id
        WHERE f.revoked_at IS NULL
        GROUP BY f.id
        HAVING count(*) FILTER (WHERE t.used_at IS NULL AND t.expires_at > now())
            > count(*) FILTER (WHERE t.parent_id IS NULL)
        """,
    ),
    Invariant(
        "I15",
        "no session sits in an open transaction",
        """
        SELECT 'session' AS kind, pid::text AS id
        FROM pg_stat_activity
        WHERE datname = current_database() AND state LIKE 'idle in transaction%'
            AND state_change < now() - interval '10 s'
        """,
    ),
)
