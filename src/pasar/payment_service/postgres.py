"""The charges in PostgreSQL, schema `payment`; a result is stored with the decision it tells."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from pasar.kit.database import Database, Row
from pasar.kit.money import Money
from pasar.payment_service.model import Charge, Status
from pasar.payment_service.repository import Charges

# The duplicate filter: of two at once the second waits, then inserts nothing. No conflict target:
# payment_id is unique too and follows from the order; whichever index is met first must not raise.
INSERT: Final = """
INSERT INTO charges
    (order_id, payment_id, method, amount, currency, request_id, status, attempts, next_at)
VALUES ($1, $2, $3, $4, $5, $6, 'pending', 1, now() + make_interval(secs => $7))
ON CONFLICT DO NOTHING
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

# The old status in the guard makes a second answer, or a second worker, change nothing.
SETTLE: Final = """
WITH done AS (
    UPDATE charges
    SET status = $2, reason = nullif($3, ''), updated_at = now()
    WHERE order_id = $1 AND status = 'pending'
    RETURNING order_id
)
INSERT INTO outbox (message_id, topic, aggregate_id, payload)
SELECT $4, $5, order_id, $6
FROM done
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


class PostgresCharges:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def insert(self, charge: Charge, lease_s: float) -> bool:
        inserted = await self._db.execute(
            INSERT,
            charge.order_id,
            charge.payment_id,
            charge.method,
            charge.amount.decimal(),
            charge.currency,
            charge.request_id,
            lease_s,
        )
        return inserted == 1

    async def find(self, order_id: str) -> Charge | None:
        row = await self._db.fetch_one(FIND, order_id)
        return None if row is None else _charge(row)

    async def remind(self, order_id: str, amount: Money) -> Charge:
        [row] = await self._db.fetch(REMIND, order_id, amount.decimal())
        return _charge(row)

    async def settle(self, charge: Charge, topic: str, result: Mapping[str, str]) -> bool:
        told = await self._db.execute(
            SETTLE,
            charge.order_id,
            charge.status.value,
            charge.reason,
            UUID(result["message_id"]),
            topic,
            result,
        )
        return told == 1

    async def lease_overdue(self, limit: int, lease_s: float) -> Sequence[Charge]:
        return [_charge(row) for row in await self._db.fetch(LEASE_OVERDUE, limit, lease_s)]


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
