"""Orders in memory, with the guards that the statements have."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from pasar.kit.database import Tx
from pasar.store_service.catalog.model import ProductId
from pasar.store_service.orders.model import (
    HeldOrder,
    Order,
    OrderId,
    OrderNotFound,
    Payment,
    Status,
    Verdict,
)
from pasar.store_service.orders.repository import Orders
from pasar.store_service.orders.rules import outcome
from tests.fakes.carts import Ware


class MemoryOrders:
    """A transaction means nothing here: each method is alone anyway."""

    def __init__(self, wares: dict[ProductId, Ware]) -> None:
        self.wares = wares
        self.by_id: dict[OrderId, Order] = {}
        self.restocked: set[OrderId] = set()

    async def get(self, order_id: OrderId) -> Order:
        if order_id not in self.by_id:
            raise OrderNotFound
        return self.by_id[order_id]

    def cancel(self, order_id: OrderId) -> None:
        """Stand in for the buyer, whose cancelling leaves the payment to its result."""
        self.by_id[order_id] = replace(self.by_id[order_id], status=Status.CANCELLED)

    async def hold(self, _tx: Tx, order_id: OrderId) -> HeldOrder:
        order = await self.get(order_id)
        return HeldOrder(order.id, order.user_id, order.status, order.total_amount)

    async def settle(self, _tx: Tx, verdict: Verdict) -> None:
        order = self.by_id[verdict.order_id]
        self.by_id[order.id] = replace(
            order,
            status=outcome(verdict) if order.status is Status.PENDING else order.status,
            payment=_told(order.payment, verdict) if order.payment else None,
        )

    async def restock(self, _tx: Tx, order_id: OrderId) -> Mapping[ProductId, int]:
        if order_id in self.restocked:
            return {}
        self.restocked.add(order_id)
        for item in self.by_id[order_id].items:
            ware = self.wares[item.product_id]
            ware.stock += item.quantity
            ware.version += 1
        return {
            item.product_id: self.wares[item.product_id].version
            for item in self.by_id[order_id].items
        }


def _told(payment: Payment, verdict: Verdict) -> Payment:
    if payment.status != "pending":
        return payment
    if verdict.approved:
        return replace(payment, status="success", paid_at=datetime.now(UTC))
    return replace(payment, status="failed")


_: type[Orders] = MemoryOrders
