"""
The ports of payments: the payment service as the store sees it, and what the store still owes.

Unless said otherwise every method raises kit.errors.Unavailable when the other side is away.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from pasar.store_service.orders.model import OrderId
from pasar.store_service.payments.model import (
    Charge,
    ChargePage,
    DuePayment,
    DueRefund,
    KnownPayment,
)


class Charges(Protocol):
    """The payment service. Every call may be repeated: it answers the same and does it once."""

    async def find(self, order_id: OrderId) -> Charge | None:
        """Return the order's charge, or None if there is none so far."""
        ...

    async def void(self, order_id: OrderId, reason: str) -> Charge:
        """
        Make sure that the order will not be charged any more, or learn that it is too late.

        Without a charge so far none will ever be made: VOIDED. PENDING: too early to say, ask
        again. `reason` is for people.
        """
        ...

    async def refund(self, refund: DueRefund) -> bool:
        """
        Give the order's money back, once per refund id; False: under way, ask again.

        Raises RefundRefused when the payment service knows no such charge, or another refund.
        """
        ...

    async def page(self, cursor: str) -> ChargePage:
        """Return the next of all charges, oldest change first; "" begins."""
        ...


class Dues(Protocol):
    """
    What is owed and not done, in the store's own books: a claimed one is leased to its claimer.

    If that dies, the row is due again when it would have been looked after next.
    """

    async def claim_payments(self, limit: int) -> Sequence[DuePayment]:
        """
        Take at most `limit` pending payments whose next look has come, by `rules.LOOKS`.

        Orders that are to be told once more are so with the same stroke; returned is what to ask
        about or call off. No two claimers get the same one.
        """
        ...

    async def look_again(self, order_ids: Sequence[OrderId], after_s: float) -> None:
        """Have these looked after in `after_s` seconds ± 20 %, ahead of their next look."""
        ...

    async def claim_refunds(self, limit: int) -> Sequence[DueRefund]:
        """Take at most `limit` refunds whose time has come; a failed one comes again, later."""
        ...

    async def refunded(self, refund_ids: Sequence[UUID]) -> None:
        """Note that the money is back: the refunds are done, their payments `refunded`."""
        ...

    async def give_up(self, refund: DueRefund, reason: str) -> None:
        """Put the refund among the dead letters; it is tried again after a day only."""
        ...

    async def known(self, order_ids: Sequence[OrderId]) -> Mapping[OrderId, KnownPayment]:
        """Return what is known of the orders' payments; an unknown order is left out."""
        ...
