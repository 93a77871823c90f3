"""The port of timelines: what is on record about an order."""

from collections.abc import Sequence
from typing import Protocol

from pasar.store_service.identity import UserId
from pasar.store_service.orders.model import OrderId
from pasar.store_service.timeline.model import Concerned, Entry


class Timelines(Protocol):
    """Every method raises kit.errors.Unavailable when the database is away."""

    async def concerned(self, order_id: OrderId, asker: UserId) -> Concerned:
        """Return whose order it is and what the asker sells in it. Raises OrderNotFound."""
        ...

    async def entries(self, order_id: OrderId) -> Sequence[Entry]:
        """Return all that is on record in this service, oldest first; for no order, nothing."""
        ...
