"""The timeline in PostgreSQL: one reading of what the other features have written."""

from collections.abc import Sequence
from typing import Final

from pasar.kit.database import Database, Row
from pasar.store_service.identity import UserId
from pasar.store_service.orders.model import OrderId, OrderNotFound
from pasar.store_service.timeline.model import Concerned, Entry
from pasar.store_service.timeline.repository import Timelines

CONCERNED: Final = """
SELECT o.user_id AS buyer, s.id AS store_id, f.store_id IS NOT NULL AS sells
FROM orders o
LEFT JOIN stores s ON s.user_id = $2
LEFT JOIN fulfilments f ON f.order_id = o.id AND f.store_id = s.id
WHERE o.id = $1
"""

# What one transaction wrote bears one time; `step` puts it in the order in which people think of
# it. What notes no request (NULL here) was done by the one that moved the order in that moment, or
# else followed from its checkout.
# Each table has an index on the order, but dead letters: they are few, and looked through.
ENTRIES: Final = """
WITH begun AS (
    SELECT at, request_id FROM order_status_history
    WHERE order_id = $1 AND store_id IS NULL AND request_id <> ''
)
SELECT at, kind, text, actor, store_id, coalesce(request_id, (
    SELECT b.request_id FROM begun b WHERE b.at <= story.at ORDER BY b.at = story.at DESC, b.at
    LIMIT 1
), '') AS request_id
FROM (
    SELECT 0 AS step, o.created_at AS at, 'request' AS kind,
        format('checkout, %s in all', trim_scale(o.total_amount)) AS text, 'buyer' AS actor,
        NULL::uuid AS store_id, coalesce(h.request_id, '') AS request_id
    FROM orders o
    LEFT JOIN order_status_history h
        ON h.order_id = o.id AND h.store_id IS NULL AND h.from_status IS NULL
    WHERE o.id = $1
    UNION ALL
    SELECT 1, at, 'status', concat_ws(' → ', from_status, to_status), actor, NULL,
        nullif(request_id, '')
    FROM order_status_history
    WHERE order_id = $1 AND store_id IS NULL
    UNION ALL
    SELECT 2, h.at, 'status', format('%s: %s → %s', s.name, h.from_status, h.to_status), h.actor,
        s.id, h.request_id
    FROM order_status_history h JOIN stores s ON s.id = h.store_id
    WHERE h.order_id = $1
    UNION ALL
    SELECT 3, m.at, 'stock', format('%s of %s: %s', to_char(m.delta, 'FMSG9999999990'), p.name,
        m.kind), '', p.store_id, NULL
    FROM stock_ledger m JOIN products p ON p.id = m.product_id
    WHERE m.order_id = $1
    UNION ALL
    SELECT 4, created_at, 'payment', format('%s %s owed', trim_scale(amount), currency), '', NULL,
        NULL
    FROM payments
    WHERE order_id = $1
    UNION ALL
    SELECT 5, coalesce(paid_at, updated_at), 'payment',
        concat_ws(', ', CASE status WHEN 'failed' THEN 'failed' ELSE 'success' END, payment_ref,
            nullif(reason, '')), '', NULL, NULL
    FROM payments
    WHERE order_id = $1 AND status <> 'pending'
    UNION ALL
    SELECT 6, created_at, 'refund', format('%s owed back, %s', trim_scale(amount), status), '',
        NULL, NULL
    FROM refunds
    WHERE order_id = $1
    UNION ALL
    SELECT 7, created_at, 'message', topic || ' written', '', NULL,
        coalesce(payload ->> 'request_id', '')
    FROM outbox
    WHERE aggregate_id = $1::text
    UNION ALL
    SELECT 8, sent_at, 'message', format('%s sent, attempt %s', topic, attempts), '', NULL,
        coalesce(payload ->> 'request_id', '')
    FROM outbox
    WHERE aggregate_id = $1::text AND sent_at IS NOT NULL
    UNION ALL
    SELECT 9, at, 'dead letter', format('%s, attempts %s, kept as store-%s', topic, attempts, id),
        '', NULL, ''
    FROM dead_letters
    WHERE position(convert_to($1::text, 'UTF8') IN body) > 0
) story
ORDER BY at, step, text
"""


class PostgresTimelines:
    def __init__(self, database: Database) -> None:
        self.database = database

    async def concerned(self, order_id: OrderId, asker: UserId) -> Concerned:
        row = await self.database.fetch_one(CONCERNED, order_id, asker)
        if row is None:
            raise OrderNotFound
        return Concerned(row["buyer"], row["store_id"], row["sells"])

    async def entries(self, order_id: OrderId) -> Sequence[Entry]:
        return list(map(entry, await self.database.fetch(ENTRIES, order_id)))


def entry(row: Row) -> Entry:
    """Read a row of these six columns, whichever table it came from."""
    return Entry(
        at=row["at"],
        kind=row["kind"],
        text=row["text"],
        actor=row["actor"],
        store_id=row["store_id"],
        request_id=row["request_id"],
    )


_: type[Timelines] = PostgresTimelines
