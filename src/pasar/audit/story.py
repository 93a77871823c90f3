"""
One order's story over both services: what the shop has on record, and what the payment service has.

The shop's part is told by its own timeline; what follows here reads the other schema.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from pasar.kit.database import Database
from pasar.store_service.orders.model import OrderId
from pasar.store_service.timeline.model import Entry
from pasar.store_service.timeline.postgres import PostgresTimelines, entry

# $1 is the order's id as text, as this schema has it. The inboxes tell when a message of one
# service had its effect in the other.
PAYMENT_ENTRIES: Final = """
SELECT at, kind, text, actor, NULL::uuid AS store_id, request_id
FROM (
    SELECT 0 AS step, created_at AS at, 'charge' AS kind,
        format('%s %s asked for, %s', trim_scale(amount), currency, payment_id) AS text,
        '' AS actor, request_id
    FROM payment.charges
    WHERE order_id = $1
    UNION ALL
    SELECT 1, b.at, 'bank', concat_ws(', ', format('%s of %s', b.kind, trim_scale(b.amount)),
        CASE WHEN b.approved THEN 'approved' ELSE 'declined' END, nullif(b.reason, '')), 'bank',
        coalesce(c.request_id, '')
    FROM payment.provider_ledger b LEFT JOIN payment.charges c USING (order_id)
    WHERE b.order_id = $1
    UNION ALL
    SELECT 2, updated_at, 'charge', concat_ws(', ', status, nullif(reason, '')), '', request_id
    FROM payment.charges
    WHERE order_id = $1 AND status <> 'pending'
    UNION ALL
    SELECT 3, created_at, 'message', topic || ' written', '',
        coalesce(payload ->> 'request_id', '')
    FROM payment.outbox
    WHERE aggregate_id = $1
    UNION ALL
    SELECT 4, sent_at, 'message', format('%s sent, attempt %s', topic, attempts), '',
        coalesce(payload ->> 'request_id', '')
    FROM payment.outbox
    WHERE aggregate_id = $1 AND sent_at IS NOT NULL
    UNION ALL
    SELECT 5, i.at, 'message', o.topic || ' taken in', '', coalesce(o.payload ->> 'request_id', '')
    FROM (
        SELECT message_id, topic, payload FROM outbox WHERE aggregate_id = $1
        UNION ALL
        SELECT message_id, topic, payload FROM payment.outbox WHERE aggregate_id = $1
    ) o
    JOIN (
        SELECT message_id, at FROM inbox UNION ALL SELECT message_id, at FROM payment.inbox
    ) i USING (message_id)
    UNION ALL
    SELECT 6, at, 'dead letter', format('%s, attempts %s, kept as payment-%s', topic, attempts, id),
        '', ''
    FROM payment.dead_letters
    WHERE position(convert_to($1, 'UTF8') IN body) > 0
) story
ORDER BY at, step, text
"""


async def story(database: Database, order_id: UUID) -> Sequence[Entry]:
    """
    Return all that is on record about the order, oldest first; for no order, nothing.

    The login must be able to read both schemas. Raises kit.errors.Unavailable.
    """
    shop = await PostgresTimelines(database).entries(OrderId(order_id))
    payment = map(entry, await database.fetch(PAYMENT_ENTRIES, str(order_id)))
    return sorted([*shop, *payment], key=lambda each: each.at)
