"""
Charging an order exactly once: store the intent, ask the bank, store the answer with its message.

A message from the store and a gRPC call take the same path. Whoever dies on it leaves a pending
charge behind; the sweeper asks the bank again under the same key, which moves no money twice. A
refund goes the same way, its caller being the sweeper; a void takes the charge's place.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from pasar.contracts.events import PAYMENT_FAILED, PAYMENT_SUCCESS, payment_result
from pasar.kit import failpoints, log
from pasar.kit.clock import Clock
from pasar.kit.deadlines import Deadlines
from pasar.kit.errors import TimedOut, Unavailable
from pasar.payment_service import rules
from pasar.payment_service.gateway import Gateway, NoAnswer
from pasar.payment_service.model import (
    Charge,
    ListedCharge,
    PaymentRequest,
    Position,
    Refund,
    RefundStatus,
    Status,
    UnknownCharge,
)
from pasar.payment_service.repository import Charges, Refunds

_log: Final = log.get("payments")

_SWEEP_EVERY_S: Final = 2.0  # how late a lapsed lease is noticed, against one of 10 s
_LOOK_EVERY_S: Final = 0.1  # how late a caller may learn of a result that another worker stored


class Payments:
    """`wake` is called whenever a result waits to be sent; `currency` is the shop's one."""

    def __init__(
        self,
        charges: Charges,
        refunds: Refunds,
        bank: Gateway,
        clock: Clock,
        *,
        currency: str,
        lease_s: float,
        wake: Callable[[], None],
    ) -> None:
        self._charges = charges
        self._refunds = refunds
        self._bank = bank
        self._clock = clock
        self._currency = currency
        self._lease_s = lease_s
        self._deadlines = Deadlines(rules.patience_s(lease_s))
        self._wake = wake

    async def charge(self, request: PaymentRequest) -> Charge:
        """
        Charge the order, or find out that it has been; then its result is told again.

        The answer is still pending while another worker is at it or the bank keeps silent: its
        result will come as a message. A voided order is not charged and nothing is told again.
        Raises AmountMismatch, kit.errors.Unavailable.
        """
        await failpoints.reach("pay.before_insert")
        charge = rules.opened(request, self._currency, log.request_id.get())
        if await self._charges.insert(charge, self._lease_s):
            return await self._decide(charge)
        existing = await self._charges.remind(request.order_id, request.amount)
        rules.check_amount(existing, request.amount)
        self._wake()
        return existing

    async def process(self, request: PaymentRequest) -> Charge:
        """Charge the order and wait for a final answer, for ever: the caller sets the limit."""
        charge = await self.charge(request)
        while charge.status not in rules.FINAL:
            await asyncio.sleep(_LOOK_EVERY_S)
            charge = await self.get(request.order_id)
        return charge

    async def get(self, order_id: str) -> Charge:
        """Return the order's charge. Raises UnknownCharge, kit.errors.Unavailable."""
        if (charge := await self._charges.find(order_id)) is None:
            raise UnknownCharge
        return charge

    async def void(self, order_id: str, reason: str) -> Charge:
        """
        Take the place of the order's charge, or return the one that came first.

        Nothing is told as a message: the caller acts on the answer. Raises kit.errors.Unavailable.
        """
        request_id = log.request_id.get()
        tombstone = rules.tombstone(order_id, reason, self._currency, request_id)
        if await self._charges.insert(tombstone, self._lease_s):
            _log.info("charge voided", order_id=order_id, reason=reason)
            return tombstone
        return await self.get(order_id)

    async def refund(self, asked: Refund) -> Refund:
        """
        Give an order's money back, or find out that it has been.

        Still pending while the bank keeps silent: ask again. What a call that dies leaves undone,
        the next one with the same id does. Raises RefundMismatch, NothingToRefund,
        kit.errors.Unavailable.
        """
        await self._refunds.insert(asked)
        refund = rules.the_one(asked, await self._refunds.find(asked.refund_id, asked.order_id))
        if refund.status is RefundStatus.SUCCESS:
            return refund
        try:
            key = rules.refund_key(refund.refund_id)
            await self._bank.refund(key, refund.order_id, refund.amount)
        except NoAnswer:
            return refund
        await failpoints.reach("refund.after_bank")
        await self._refunds.complete(refund.refund_id)
        _log.info("refunded", order_id=refund.order_id, refund_id=str(refund.refund_id))
        return replace(refund, status=RefundStatus.SUCCESS)

    async def page(self, after: Position, limit: int) -> tuple[Sequence[ListedCharge], bool]:
        """Return `limit` charges behind `after` as the port does, and whether there are more."""
        found = await self._charges.page(after, limit + 1)
        return found[:limit], len(found) > limit

    async def sweep(self, limit: int) -> None:
        """Decide what others left behind, at most `limit` charges, all at once."""
        if await failpoints.reach("sweeper.tick"):
            return
        overdue = await self._charges.lease_overdue(limit, self._lease_s)
        outcomes = await asyncio.gather(*map(self._resume, overdue), return_exceptions=True)
        for charge, outcome in zip(overdue, outcomes, strict=True):
            if isinstance(outcome, Exception):
                _log.error("charge stays pending", order_id=charge.order_id, exc_info=outcome)

    async def keep_sweeping(self, limit: int) -> None:
        """Sweep until cancelled, also through outages of the database."""
        while True:
            try:
                await self.sweep(limit)
            except Unavailable as outage:
                _log.warning("sweep postponed", reason=outage.message)
            await asyncio.sleep(_SWEEP_EVERY_S)

    async def _resume(self, charge: Charge) -> None:
        log.request_id.set(charge.request_id)  # gather gave this call a context of its own
        await self._decide(charge)

    async def _decide(self, charge: Charge) -> Charge:
        """Ask the bank, outside any transaction, and store what it says first."""
        try:
            with self._deadlines.budget():
                answers = await self._bank.charge(
                    rules.charge_key(charge.order_id), charge.order_id, charge.amount
                )
        except (NoAnswer, TimedOut):
            _log.warning("bank silent, the sweeper asks again", order_id=charge.order_id)
            return charge
        await failpoints.reach("pay.after_bank")
        for answer in answers:
            final = rules.decided(charge, approved=answer.approved, reason=answer.reason)
            if await self._settle(final):
                charge = final
        return charge

    async def _settle(self, final: Charge) -> bool:
        topic = PAYMENT_SUCCESS if final.status is Status.SUCCESS else PAYMENT_FAILED
        result = payment_result(
            topic,
            order_id=final.order_id,
            payment_id=final.payment_id,
            amount=final.amount,
            currency=final.currency,
            request_id=final.request_id,
            occurred_at=self._clock.now(),
        )
        first = await self._charges.settle(final, topic, result)
        await failpoints.reach("pay.after_commit")
        if first:
            self._wake()
            _log.info("charge decided", order_id=final.order_id, status=final.status.value)
        return first
