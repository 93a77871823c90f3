"""The refunds in PostgreSQL, schema `payment`."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from pasar.kit.database import Database, Row
from pasar.kit.money import Money
from pasar.payment_service.model import Refund, RefundStatus
from pasar.payment_service.repository import Refunds

# Both keys are duplicate filters, the caller's id and the order, so no conflict target.
INSERT_REFUND: Final = """
INSERT INTO refunds (id, order_id, amount)
SELECT $1, order_id, amount
FROM charges
WHERE order_id = $2 AND amount = $3 AND status = 'success'
ON CONFLICT DO NOTHING
"""

FIND_REFUNDS: Final = """
SELECT id, order_id, amount, status
FROM refunds
WHERE id = $1 OR order_id = $2
"""

COMPLETE: Final = """
UPDATE refunds
SET status = 'success', updated_at = now()
WHERE id = $1 AND status = 'pending'
"""


class PostgresRefunds:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def insert(self, refund: Refund) -> None:
        await self._db.execute(
            INSERT_REFUND, refund.refund_id, refund.order_id, refund.amount.decimal()
        )

    async def find(self, refund_id: UUID, order_id: str) -> Sequence[Refund]:
        return [_refund(row) for row in await self._db.fetch(FIND_REFUNDS, refund_id, order_id)]

    async def complete(self, refund_id: UUID) -> None:
        await self._db.execute(COMPLETE, refund_id)


def _refund(row: Row) -> Refund:
    return Refund(
        refund_id=row["id"],
        order_id=row["order_id"],
        amount=Money.of(row["amount"]),
        status=RefundStatus(row["status"]),
    )


_: type[Refunds] = PostgresRefunds
