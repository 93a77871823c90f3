"""
What is owed and not done, in PostgreSQL: claimed in leases, the network outside any transaction.

The rows of `payments` belong to orders, which settles them; here only their next look is kept, and
that their money went back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from pasar.kit.database import Database
from pasar.kit.money import Money
from pasar.store_service.orders.model import OrderId
from pasar.store_service.payments.model import DuePayment, DueRefund, KnownPayment
from pasar.store_service.payments.repository import Dues
from pasar.store_service.payments.rules import LOOK_EVERY, LOOKS

# $1 limit, $2 ages of the looks in s, $3 and $4 which of them re-send and ask, $5 s between those
# after the last, $6 age in s at which a payment is called off. `checks` counts the looks that have
# come; one that was missed is not made up for. The next look is the lease. An order that is called
# off is told to nobody any more. The request that ordered is read by order_status_history_once.
CLAIM_PAYMENTS: Final = """
WITH due AS MATERIALIZED (
    SELECT order_id, checks, void_wanted, extract(epoch FROM now() - created_at)::float8 AS age
    FROM payments
    WHERE status = 'pending' AND next_check_at <= now()
        AND (void_wanted OR created_at <= now() - make_interval(secs => ($2::float8[])[1]))
    ORDER BY next_check_at
    LIMIT $1
    FOR UPDATE SKIP LOCKED
), look AS MATERIALIZED (
    SELECT order_id, checks,
        width_bucket(age, $2) + greatest(floor((age - $2[cardinality($2)]) / $5::float8), 0)::int
            AS number,
        CASE WHEN void_wanted THEN 'order called off' WHEN age >= $6::float8 THEN 'never paid' END
            AS void_reason
    FROM due
), leased AS (
    UPDATE payments p
    SET checks = l.number, next_check_at = p.created_at + make_interval(secs => coalesce(
        $2[l.number + 1], $2[cardinality($2)] + $5 * (l.number + 1 - cardinality($2))))
    FROM look l
    WHERE p.order_id = l.order_id
), told_again AS (
    UPDATE outbox b SET sent_at = NULL, next_at = now()
    FROM look l
    WHERE b.aggregate_id = l.order_id::text AND b.topic = 'order.created'
        AND b.sent_at IS NOT NULL AND l.void_reason IS NULL
        AND l.number > l.checks AND coalesce(($3::boolean[])[l.number], true)
)
SELECT order_id, void_reason, coalesce((
    SELECT h.request_id FROM order_status_history h
    WHERE h.order_id = look.order_id AND h.store_id IS NULL AND h.to_status = 'pending'
), '') AS request_id
FROM look
WHERE void_reason IS NOT NULL OR coalesce(($4::boolean[])[number], true)
"""

# A row that is locked is being settled, and needs no further look.
LOOK_AGAIN: Final = """
UPDATE payments SET next_check_at = now() + make_interval(secs => $2 * (0.8 + 0.4 * random()))
WHERE order_id IN (
    SELECT order_id FROM payments
    WHERE order_id = ANY($1::uuid[]) AND status = 'pending'
    FOR UPDATE SKIP LOCKED
)
"""

# $1 limit, $2 longest wait in s: 2 s doubling, half of it random. A call that outlives this lease
# is made twice, which its id makes harmless.
CLAIM_REFUNDS: Final = """
UPDATE refunds
SET attempts = attempts + 1, next_at = now()
    + make_interval(secs => least(2 * 2.0 ^ least(attempts, 30), $2) * (0.5 + random() / 2))
WHERE id IN (
    SELECT id FROM refunds
    WHERE status = 'pending' AND next_at <= now()
    ORDER BY next_at
    LIMIT $1
    FOR UPDATE SKIP LOCKED
)
RETURNING id, order_id, amount, coalesce((
    SELECT h.request_id FROM order_status_history h
    WHERE h.order_id = refunds.order_id AND h.store_id IS NULL AND h.to_status = 'pending'
), '') AS request_id
"""

REFUNDED: Final = """
WITH done AS (
    UPDATE refunds SET status = 'success'
    WHERE id IN (
        SELECT id FROM refunds
        WHERE id = ANY($1::uuid[]) AND status = 'pending'
        ORDER BY id
        FOR UPDATE
    )
    RETURNING order_id
)
UPDATE payments p SET status = 'refunded', updated_at = now()
FROM done d
WHERE p.order_id = d.order_id AND p.status = 'success'
"""

# A day: by then a person has looked; and if nobody has, the money is still owed.
GIVE_UP: Final = """
WITH put_off AS (
    UPDATE refunds SET next_at = now() + interval '1 day'
    WHERE id = $1
    RETURNING id, order_id, amount, attempts
)
INSERT INTO dead_letters (topic, body, error, attempts)
SELECT 'refund', convert_to(jsonb_build_object('refund_id', id, 'order_id', order_id,
    'amount', trim_scale(amount)::text)::text, 'UTF8'), $2, attempts
FROM put_off
"""

# $2: s within which the news of a payment may still be on its way, by the store's own clock.
KNOWN: Final = """
SELECT o.id, o.total_amount, p.status AS payment_status,
    p.created_at > now() - make_interval(secs => $2) AS fresh,
    coalesce(r.id::text, '') AS refund_id, coalesce(r.status, '') AS refund_status
FROM orders o
JOIN payments p ON p.order_id = o.id
LEFT JOIN refunds r ON r.order_id = o.id
WHERE o.id = ANY($1::uuid[])
"""

_FRESH_S: Final = 60.0  # by then everything is settled while all parts run (guarantee G4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long things may take, in seconds; the first is also the unit of `rules.LOOKS`."""

    resend_after_s: float
    payment_timeout_s: float
    refund_backoff_max_s: float


class PostgresDues:
    def __init__(self, database: Database, patience: Patience) -> None:
        self.database = database
        self.patience = patience

    async def claim_payments(self, limit: int) -> Sequence[DuePayment]:
        unit_s = self.patience.resend_after_s
        rows = await self.database.fetch(
            CLAIM_PAYMENTS,
            limit,
            [look.after * unit_s for look in LOOKS],
            [look.resend for look in LOOKS],
            [look.ask for look in LOOKS],
            LOOK_EVERY * unit_s,
            self.patience.payment_timeout_s,
        )
        return [DuePayment(row["order_id"], row["void_reason"], row["request_id"]) for row in rows]

    async def look_again(self, order_ids: Sequence[OrderId], after_s: float) -> None:
        await self.database.execute(LOOK_AGAIN, order_ids, after_s)

    async def claim_refunds(self, limit: int) -> Sequence[DueRefund]:
        rows = await self.database.fetch(CLAIM_REFUNDS, limit, self.patience.refund_backoff_max_s)
        return [
            DueRefund(row["id"], row["order_id"], Money.of(row["amount"]), row["request_id"])
            for row in rows
        ]

    async def refunded(self, refund_ids: Sequence[UUID]) -> None:
        await self.database.execute(REFUNDED, refund_ids)

    async def give_up(self, refund: DueRefund, reason: str) -> None:
        await self.database.execute(GIVE_UP, refund.id, reason)

    async def known(self, order_ids: Sequence[OrderId]) -> Mapping[OrderId, KnownPayment]:
        rows = await self.database.fetch(KNOWN, order_ids, _FRESH_S)
        return {
            row["id"]: KnownPayment(
                payment_status=row["payment_status"],
                total=Money.of(row["total_amount"]),
                fresh=row["fresh"],
                refund_id=row["refund_id"],
                refund_status=row["refund_status"],
            )
            for row in rows
        }


_: type[Dues] = PostgresDues
