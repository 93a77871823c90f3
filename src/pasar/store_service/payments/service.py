"""
What a payment result does here: once per message, in a transaction with those that came with it.

Approvals share one; a refusal moves stock, so it goes alone: the locks of several orders would
meet at their products in any order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Final
from uuid import UUID

from pasar.kit import failpoints, log
from pasar.kit.batching import Batcher
from pasar.kit.database import Database
from pasar.kit.inbox import first_time
from pasar.kit.metrics import EVENTS_IGNORED, PAYMENT_CONTRADICTIONS
from pasar.store_service.orders.model import Settled, Settlement, Verdict
from pasar.store_service.orders.service import OrderService

CONSUMER: Final = "store-service"
BATCH: Final = 200  # approvals in one transaction: as many as the consumer handles at once

_REPEATED: Final = Settled(Settlement.IGNORED, restocked={})

_log: Final = log.get("payments")


@dataclass(frozen=True, slots=True)
class Told:
    """A verdict, and the event that told it; an answer that was asked for has none."""

    verdict: Verdict
    message_id: UUID | None


class PaymentService:
    def __init__(self, database: Database, orders: OrderService) -> None:
        self.database = database
        self.orders = orders
        self._together = Batcher(self._settle, most=BATCH)

    async def settle(self, verdict: Verdict, message_id: UUID | None = None) -> None:
        """
        Let a result decide its order; a repeated message and a late result change nothing.

        The inbox stops a repeated message; a repeated answer, which has no `message_id`, is stopped
        by the order's state alone. Raises OrderNotFound, AmountMismatch, and Unavailable when the
        database is away.
        """
        told = Told(verdict, message_id)
        if verdict.approved:
            settled = await self._together(told)
        else:
            [settled] = await self._settle([told])
        await self.orders.refresh(settled)
        if settled.settlement is Settlement.IGNORED:
            EVENTS_IGNORED.inc()
        if settled.settlement is Settlement.CONTRADICTED:
            PAYMENT_CONTRADICTIONS.inc()
        tell = _log.error if settled.settlement is Settlement.CONTRADICTED else _log.info
        tell("payment result", order_id=str(verdict.order_id), settlement=settled.settlement.value)

    async def _settle(self, batch: Sequence[Told]) -> Sequence[Settled]:
        async with self.database.begin() as tx:
            ids = [told.message_id for told in batch if told.message_id]
            new = await first_time(tx, CONSUMER, ids) if ids else ()
            fresh = [told.message_id is None or told.message_id in new for told in batch]
            verdicts = [told.verdict for told in compress(batch, fresh)]
            settled = iter(await self.orders.settle(tx, verdicts) if verdicts else ())
            await failpoints.reach("settle.before_commit")
        await failpoints.reach("settle.after_commit")
        return [next(settled) if is_fresh else _REPEATED for is_fresh in fresh]
