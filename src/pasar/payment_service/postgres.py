"""The charges in PostgreSQL, schema `payment`; a result is stored with the decision it tells."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from pasar.kit.batching import Batcher
from pasar.kit.database import Database, Row
from pasar.kit.money import Money
from pasar.payment_service.model import Charge, ListedCharge, Position, Status
from pasar.payment_service.repository import Charges

# The duplicate filter: of two at once the second waits, then inserts nothing. No conflict target:
# payment_id is unique too and follows from the order; whichever index is met first must not raise.
# In one order everywhere, so that two batches never wait for each other.
INSERT: Final = """
WITH asked AS (
    SELECT *
    FROM unnest(
        $1::text[], $2::text[], $3::text[], $4::numeric[], $5::text[], $6::text[], $7::text[],
        $8::text[], $9::float8[]
    ) WITH ORDINALITY AS a (
        order_id, payment_id, method, amount, currency, request_id, status, reason, lease_s,
        position
    )
)
, made AS (
    INSERT INTO charges (
        order_id, payment_id, method, amount, currency, request_id, status, reason, attempts,
        next_at
    )
    SELECT
        order_id, payment_id, method, amount, currency, request_id, status, nullif(reason, ''), 1,
        now() + make_interval(secs => lease_s)
    FROM asked
    ORDER BY order_id, position
    ON CONFLICT DO NOTHING
    RETURNING order_id
)
SELECT min(position) AS position
FROM asked
JOIN made USING (order_id)
GROUP BY order_id
"""

FIND: Final = """
SELECT order_id, payment_id, method, amount, currency, status, reason, request_id
FROM charges
WHERE order_id = $1
"""

# The row lock waits for a SETTLE under way, whose result is then fresh and not sent again.
REMIND: Final = """
WITH held AS MATERIALIZED (
    SELECT order_id, payment_id, method, amount, currency, status, reason, request_id
    FROM charges
    WHERE order_id = $1
    FOR UPDATE
)
, again AS (
    UPDATE outbox o
    SET sent_at = NULL, next_at = now()
    FROM held h
    WHERE o.aggregate_id = h.order_id AND h.amount = $2 AND h.status IN ('success', 'failed')
    AND o.sent_at < now() - interval '3 s'
)
SELECT * FROM held
"""

# The old status in the guard makes a second answer, or a second worker, change nothing. It is asked
# of the rows in hand: a plan that may look for what is pending reads all that are (ADR 29).
SETTLE: Final = """
WITH decided AS (
    SELECT *
    FROM unnest(
        $1::text[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::jsonb[]
    ) WITH ORDINALITY AS d (order_id, status, reason, message_id, topic, payload, position)
)
, held AS MATERIALIZED (
    SELECT order_id, status
    FROM charges
    WHERE order_id = ANY ($1)
    ORDER BY order_id
    FOR UPDATE
)
, done AS (
    UPDATE charges c
    SET status = d.status, reason = nullif(d.reason, ''), updated_at = now()
    FROM decided d
    WHERE c.order_id = ANY(ARRAY(SELECT order_id FROM held WHERE status = 'pending'))
    AND c.order_id = d.order_id
    RETURNING d.*
)
, told AS (
    INSERT INTO outbox (message_id, topic, aggregate_id, payload)
    SELECT message_id, topic, order_id, payload
    FROM done
    ORDER BY position
)
SELECT position FROM done
"""

# idx_charges_pending; SKIP LOCKED keeps several sweepers out of each other's way.
LEASE_OVERDUE: Final = """
UPDATE charges
SET attempts = attempts + 1, next_at = now() + make_interval(secs => $2), updated_at = now()
WHERE order_id IN (
    SELECT order_id
    FROM charges
    WHERE status = 'pending' AND next_at <= now()
    ORDER BY next_at
    LIMIT $1
    FOR UPDATE SKIP LOCKED
)
RETURNING order_id, payment_id, method, amount, currency, status, reason, request_id
"""

# idx_charges_updated_at
PAGE: Final = """
SELECT
    c.order_id, c.payment_id, c.method, c.amount, c.currency, c.status, c.reason, c.request_id,
    c.updated_at, r.id AS refund_id
FROM charges c
LEFT JOIN refunds r ON r.order_id = c.order_id
WHERE (c.updated_at, c.order_id) > ($1, $2)
ORDER BY c.updated_at, c.order_id
LIMIT $3
"""

# Rows in one statement: past this the commit is a small part, and neighbours wait for nothing.
_BATCH: Final = 200


class PostgresCharges:
    """Charges that are opened or settled while others are go together, one commit for all."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._inserts = Batcher(self._insert_all, most=_BATCH)
        self._settlements = Batcher(self._settle_all, most=_BATCH)

    async def insert(self, charge: Charge, lease_s: float) -> bool:
        return await self._inserts((charge, lease_s))

    async def find(self, order_id: str) -> Charge | None:
        row = await self._db.fetch_one(FIND, order_id)
        return None if row is None else _charge(row)

    async def remind(self, order_id: str, amount: Money) -> Charge:
        [row] = await self._db.fetch(REMIND, order_id, amount.decimal())
        return _charge(row)

    async def settle(self, charge: Charge, topic: str, result: Mapping[str, str]) -> bool:
        return await self._settlements((charge, topic, result))

    async def lease_overdue(self, limit: int, lease_s: float) -> Sequence[Charge]:
        return [_charge(row) for row in await self._db.fetch(LEASE_OVERDUE, limit, lease_s)]

    async def page(self, after: Position, limit: int) -> Sequence[ListedCharge]:
        rows = await self._db.fetch(PAGE, after.updated_at, after.order_id, limit)
        return [
            ListedCharge(
                charge=_charge(row), updated_at=row["updated_at"], refund_id=row["refund_id"]
            )
            for row in rows
        ]

    async def _insert_all(self, items: Sequence[tuple[Charge, float]]) -> Sequence[bool]:
        rows = [
            (
                *(charge.order_id, charge.payment_id, charge.method, charge.amount.decimal()),
                *(charge.currency, charge.request_id, charge.status.value, charge.reason, lease_s),
            )
            for charge, lease_s in items
        ]
        made = {row["position"] for row in await self._db.fetch(INSERT, *zip(*rows, strict=True))}
        return [position in made for position, _ in enumerate(items, start=1)]

    async def _settle_all(
        self, items: Sequence[tuple[Charge, str, Mapping[str, str]]]
    ) -> Sequence[bool]:
        rows = [
            (
                *(charge.order_id, charge.status.value, charge.reason),
                *(UUID(result["message_id"]), topic, result),
            )
            for charge, topic, result in items
        ]
        settled = {
            row["position"] for row in await self._db.fetch(SETTLE, *zip(*rows, strict=True))
        }
        return [position in settled for position, _ in enumerate(items, start=1)]


def _charge(row: Row) -> Charge:
    return Charge(
        order_id=row["order_id"],
        payment_id=row["payment_id"],
        amount=Money.of(row["amount"]),
        currency=row["currency"],
        method=row["method"],
        status=Status(row["status"]),
        reason=row["reason"] or "",
        request_id=row["request_id"],
    )


_: type[Charges] = PostgresCharges
