"""What a payment result does here: one transaction, once per message."""

from typing import Final
from uuid import UUID

from pasar.kit import log
from pasar.kit.database import Database
from pasar.kit.inbox import first_time
from pasar.kit.metrics import EVENTS_IGNORED, PAYMENT_CONTRADICTIONS
from pasar.store_service.orders.model import Settlement, Verdict
from pasar.store_service.orders.service import OrderService

CONSUMER: Final = "store-service"

_log: Final = log.get("payments")


class PaymentService:
    def __init__(self, database: Database, orders: OrderService) -> None:
        self.database = database
        self.orders = orders

    async def settle(self, message_id: UUID, verdict: Verdict) -> None:
        """
        Let a result decide its order; a repeated message and a late result change nothing.

        Raises OrderNotFound, AmountMismatch, and Unavailable when the database is away.
        """
        async with self.database.begin() as tx:
            if not await first_time(tx, CONSUMER, message_id):
                EVENTS_IGNORED.inc()
                return
            settled = await self.orders.settle(tx, verdict)
        await self.orders.refresh(settled)
        if settled.settlement is Settlement.IGNORED:
            EVENTS_IGNORED.inc()
        if settled.settlement is Settlement.CONTRADICTED:
            PAYMENT_CONTRADICTIONS.inc()
        tell = _log.error if settled.settlement is Settlement.CONTRADICTED else _log.info
        tell("payment result", order_id=str(verdict.order_id), settlement=settled.settlement.value)
