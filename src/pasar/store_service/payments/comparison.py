"""The nightly comparison of the payment service's books with the store's, line by line."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from pasar.kit import log
from pasar.kit.ids import parse_id
from pasar.store_service.orders.model import OrderId
from pasar.store_service.payments.model import (
    Comparison,
    Difference,
    KnownPayment,
    ListedCharge,
)
from pasar.store_service.payments.repository import Charges, Dues
from pasar.store_service.payments.rules import difference, verdict
from pasar.store_service.payments.service import PaymentService

_log: Final = log.get("comparison")


class Comparer:
    """Finds what both services wrote down differently, and settles what can be settled."""

    def __init__(self, payments: PaymentService, dues: Dues, charges: Charges) -> None:
        self.payments = payments
        self.dues = dues
        self.charges = charges

    async def compare(self) -> Comparison:
        """
        Page through all charges. Raises Unavailable when payment service or database is away.

        A final charge whose order does not know of it is settled as its event would have done;
        every other difference is for a person, and logged as an error.
        """
        seen, found = 0, Counter[Difference]()
        cursor = ""
        while True:
            page = await self.charges.page(cursor)
            seen += len(page.charges)
            found += await self._differences(page.charges)
            if not (cursor := page.next_cursor):
                break
        _log.info("books compared", charges=seen, differences=dict(found))
        return Comparison(seen, found)

    async def _differences(self, charges: Sequence[ListedCharge]) -> Counter[Difference]:
        ids = [OrderId(order_id) for each in charges if (order_id := parse_id(each.order_id))]
        known = await self.dues.known(ids)
        found = Counter[Difference]()
        for each in charges:
            if kind := difference(each, _of(each, known)):
                found[kind] += 1
                await self._settle(each, kind)
        return found

    async def _settle(self, listed: ListedCharge, kind: Difference) -> None:
        order_id = parse_id(listed.order_id)
        if kind is Difference.UNSETTLED and order_id:
            await self.payments.settle(verdict(OrderId(order_id), listed.charge))
        else:
            _log.error("books differ", order_id=listed.order_id, difference=kind.value)


def _of(listed: ListedCharge, known: Mapping[OrderId, KnownPayment]) -> KnownPayment | None:
    order_id = parse_id(listed.order_id)
    return known.get(OrderId(order_id)) if order_id else None
