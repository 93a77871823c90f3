"""The ports to charges and refunds. Each method is one transaction, the service's alone to call."""

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from pasar.kit.money import Money
from pasar.payment_service.model import Charge, ListedCharge, Position, Refund


class Charges(Protocol):
    """Every method raises kit.errors.Unavailable when the database is away."""

    async def insert(self, charge: Charge, lease_s: float) -> bool:
        """
        Store a new charge; a pending one is the caller's to decide for `lease_s` seconds.

        False if the order has one already: nothing is changed. Of two at once one gets True.
        """
        ...

    async def find(self, order_id: str) -> Charge | None:
        """Return the order's charge as last committed."""
        ...

    async def remind(self, order_id: str, amount: Money) -> Charge:
        """
        Return the existing charge; if it is final and of this amount, have its result told again.

        A result told within the last 3 s is on its way and left alone.
        """
        ...

    async def settle(self, charge: Charge, topic: str, result: Mapping[str, str]) -> bool:
        """
        Turn the pending charge into this final one and store its result for sending, together.

        False if the charge was final already: nothing is changed, nothing will be sent.
        """
        ...

    async def lease_overdue(self, limit: int, lease_s: float) -> Sequence[Charge]:
        """
        Take over pending charges whose worker went quiet, the longest waiting first.

        They are the caller's for `lease_s` seconds; no two callers get the same one.
        """
        ...

    async def page(self, after: Position, limit: int) -> Sequence[ListedCharge]:
        """
        Return the first charges behind `after`, in the order of their last change.

        A change that commits while somebody pages may hide before the place already reached: the
        next listing shows it, if it begins a little earlier than this one ended.
        """
        ...


class Refunds(Protocol):
    """Every method raises kit.errors.Unavailable when the database is away."""

    async def insert(self, refund: Refund) -> None:
        """
        Store a pending refund of a successful charge of this amount.

        Nothing is changed without such a charge, or if the order or the id has a refund already.
        """
        ...

    async def find(self, refund_id: UUID, order_id: str) -> Sequence[Refund]:
        """Return the refunds with this id or of this order: none, one, or two that disagree."""
        ...

    async def complete(self, refund_id: UUID) -> None:
        """Note that the money has gone back; a second time changes nothing."""
        ...
