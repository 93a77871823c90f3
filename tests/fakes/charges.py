"""The payment service in memory, as its callers see it: charges, tombstones, refunds, absence."""

from collections.abc import Sequence
from uuid import UUID

from pasar.kit import log
from pasar.kit.errors import Unavailable
from pasar.kit.money import Money
from pasar.store_service.orders.model import OrderId
from pasar.store_service.payments.model import (
    Charge,
    ChargePage,
    ChargeState,
    DueRefund,
    ListedCharge,
    RefundRefused,
)
from pasar.store_service.payments.repository import Charges


class MemoryCharges:
    """`away` makes every call fail; `asked`, `request_ids` and `refunds` remember who came."""

    def __init__(self, page_size: int = 200) -> None:
        self.charges: dict[OrderId, Charge] = {}
        self.refunds: dict[UUID, OrderId] = {}
        self.asked: list[OrderId] = []
        self.request_ids: list[str] = []
        self.away = False
        self._page_size = page_size

    def decide(self, order_id: OrderId, state: ChargeState, amount: Money) -> Charge:
        """Make the charge, as the order's event or its bank does."""
        self.charges[order_id] = Charge(state, f"pay_{order_id.hex}", amount)
        return self.charges[order_id]

    async def find(self, order_id: OrderId) -> Charge | None:
        self._answer(order_id)
        return self.charges.get(order_id)

    async def void(self, order_id: OrderId, reason: str) -> Charge:
        assert reason
        self._answer(order_id)
        return self.charges.setdefault(order_id, Charge(ChargeState.VOIDED, "", None))

    async def refund(self, refund: DueRefund) -> bool:
        self._answer(refund.order_id)
        charge = self.charges.get(refund.order_id)
        if charge is None or charge.state is not ChargeState.SUCCESS:
            raise RefundRefused("no such charge")
        if charge.amount != refund.amount:
            raise RefundRefused("another amount")
        others = {id_ for id_, order in self.refunds.items() if order == refund.order_id}
        if others - {refund.id}:
            raise RefundRefused("another refund")
        self.refunds[refund.id] = refund.order_id
        return True

    async def page(self, cursor: str) -> ChargePage:
        self._answer(None)
        begin = int(cursor or 0)
        end = begin + self._page_size
        more = end < len(self.charges)
        return ChargePage(self._listed()[begin:end], str(end) if more else "")

    def _listed(self) -> Sequence[ListedCharge]:
        refunded = {order: str(id_) for id_, order in self.refunds.items()}
        return [
            ListedCharge(str(order), charge, refunded.get(order, ""))
            for order, charge in self.charges.items()
        ]

    def _answer(self, order_id: OrderId | None) -> None:
        if self.away:
            raise Unavailable("payment service: UNAVAILABLE")
        if order_id is not None:
            self.asked.append(order_id)
            self.request_ids.append(log.request_id.get())


_: type[Charges] = MemoryCharges
