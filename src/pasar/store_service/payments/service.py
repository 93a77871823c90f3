"""What a payment result does here: one transaction, once per message."""

from typing import Final
from uuid import UUID

from pasar.kit import failpoints, log
from pasar.kit.database import Database
from pasar.kit.inbox import first_time
from pasar.store_service.orders.model import Settlement, Verdict
from pasar.store_service.orders.service import OrderService

CONSUMER: Final = "store-service"

_log: Final = log.get("payments")


class PaymentService:
    def __init__(self, database: Database, orders: OrderService) -> None:
        self.database = database
        self.orders = orders

    async def settle(self, verdict: Verdict, message_id: UUID | None = None) -> None:
        """
        Let a result decide its order; a repeated message and a late result change nothing.

        `message_id` is of the event that told it; an answer that was asked for has none, and the
        order's state alone stops its repetition. Raises OrderNotFound, AmountMismatch, and
        Unavailable when the database is away.
        """
        async with self.database.begin() as tx:
            if message_id and not await first_time(tx, CONSUMER, message_id):
                return
            settled = await self.orders.settle(tx, verdict)
            await failpoints.reach("settle.before_commit")
        await failpoints.reach("settle.after_commit")
        await self.orders.refresh(settled)
        tell = _log.error if settled.settlement is Settlement.CONTRADICTED else _log.info
        tell("payment result", order_id=str(verdict.order_id), settlement=settled.settlement.value)
