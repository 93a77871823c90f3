"""
What the broker cannot promise: each order is settled and each refund made, whatever got lost.

Pending payments are looked after by the table in `rules.py`. What the payment service answers is
settled exactly as its event would be. Any number of reconcilers may run.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from pasar.kit import log
from pasar.kit.errors import Unavailable
from pasar.store_service.orders.model import AmountMismatch
from pasar.store_service.payments.model import (
    Charge,
    DuePayment,
    DueRefund,
    RefundRefused,
)
from pasar.store_service.payments.repository import Charges, Dues
from pasar.store_service.payments.rules import FINAL, verdict
from pasar.store_service.payments.service import PaymentService

BATCH: Final = 100  # as the outbox relay; also how many calls are made at once
AWAY_S: Final = 5.0  # until a silent payment service is asked again
IN_PROGRESS_S: Final = 2.0  # until a charge that is being made may be final: the mock's slowest

DueT = TypeVar("DueT", DuePayment, DueRefund)

_log: Final = log.get("reconciler")


class Reconciler:
    def __init__(self, payments: PaymentService, dues: Dues, charges: Charges) -> None:
        self.payments = payments
        self.dues = dues
        self.charges = charges

    async def tick(self) -> None:
        """
        Do all that is due now. Raises Unavailable when the database is away.

        A payment service that is away is no error: what it was to be asked comes again.
        """
        await _all_due(self.dues.claim_payments, self._look_after)
        await _all_due(self.dues.claim_refunds, self._pay_back)

    async def _look_after(self, due: Sequence[DuePayment]) -> None:
        await asyncio.gather(*map(self._settle, due))

    async def _settle(self, due: DuePayment) -> None:
        log.request_id.set(due.request_id)  # gather gave this call a context of its own
        try:
            charge = await self._asked(due)
            if charge is not None and charge.state in FINAL:
                await self.payments.settle(verdict(due.order_id, charge, due.request_id))
            elif due.void_reason:
                await self.dues.look_again([due.order_id], IN_PROGRESS_S)
        except AmountMismatch as fault:
            _log.error("charge of another amount", order_id=str(due.order_id), reason=str(fault))
        except Unavailable as outage:
            _log.warning("payment stays", order_id=str(due.order_id), reason=outage.message)
            await self.dues.look_again([due.order_id], AWAY_S)
        except Exception:  # noqa: BLE001  one order must not hold up the others
            _log.exception("payment stays", order_id=str(due.order_id))

    async def _asked(self, due: DuePayment) -> Charge | None:
        if due.void_reason is None:
            return await self.charges.find(due.order_id)
        return await self.charges.void(due.order_id, due.void_reason)

    async def _pay_back(self, due: Sequence[DueRefund]) -> None:
        paid = await asyncio.gather(*map(self._refund, due))
        if done := [refund.id for refund, yes in zip(due, paid, strict=True) if yes]:
            await self.dues.refunded(done)

    async def _refund(self, due: DueRefund) -> bool:
        log.request_id.set(due.request_id)  # as in _settle
        try:
            return await self.charges.refund(due)
        except Unavailable as outage:
            _log.warning("refund waits", order_id=str(due.order_id), reason=outage.message)
        except RefundRefused as fault:
            _log.error("refund refused", order_id=str(due.order_id), reason=str(fault))
            await self.dues.give_up(due, str(fault))
        return False


async def _all_due(
    claim: Callable[[int], Awaitable[Sequence[DueT]]],
    handle: Callable[[Sequence[DueT]], Awaitable[None]],
) -> None:
    """Handle batch by batch until one is not full: a backlog does not wait for the next tick."""
    full = True
    while full:
        due = await claim(BATCH)
        await handle(due)
        full = len(due) == BATCH
