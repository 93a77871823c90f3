"""Tell an order's story to those whom it concerns."""

from collections.abc import Sequence

from pasar.store_service.identity import Identity, Role
from pasar.store_service.orders.model import OrderId
from pasar.store_service.timeline.model import Entry
from pasar.store_service.timeline.repository import Timelines
from pasar.store_service.timeline.rules import check_concerned, own_part


class TimelineService:
    def __init__(self, timelines: Timelines) -> None:
        self.timelines = timelines

    async def tell(self, caller: Identity, order_id: OrderId) -> Sequence[Entry]:
        """
        Return what happened to the order, oldest first; to a seller what happened to the own part.

        Raises OrderNotFound, NotOrderOwner, SellerWithoutStore, NotSellersOrder.
        """
        concerned = await self.timelines.concerned(order_id, caller.user_id)
        check_concerned(caller, concerned)
        entries = await self.timelines.entries(order_id)
        if caller.role is Role.SELLER and concerned.store_id is not None:
            return own_part(entries, concerned.store_id)
        return entries
