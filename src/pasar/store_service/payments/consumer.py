"""
Payment results from the broker: read, proven genuine, handed to the service.

What bears no valid signature is a hint: the payment service is asked, and its answer counts. How
often a message is tried again is the broker's business (`kit/broker/port.py`): a refusal here is
for good, an unknown order gets five attempts, an unreachable part as many as it takes.
"""

from collections.abc import Sequence
from typing import Final

from pasar.contracts.events import Malformed, PaymentResult, is_genuine
from pasar.kit import log
from pasar.kit.broker.port import Message, Reject
from pasar.kit.metrics import EVENTS_FORGED
from pasar.store_service.orders.model import AmountMismatch, OrderId, Verdict
from pasar.store_service.payments.repository import Charges
from pasar.store_service.payments.rules import verdict
from pasar.store_service.payments.service import PaymentService

_log: Final = log.get("payments")


class PaymentResults:
    """Handler of `payment.success` and `payment.failed`; `keys` are the signing keys that count."""

    def __init__(self, payments: PaymentService, charges: Charges, keys: Sequence[str]) -> None:
        self.payments = payments
        self.charges = charges
        self.keys = [key for key in keys if key]

    async def handle(self, message: Message) -> None:
        """Settle the order the message is about. Raises what `kit/broker/port.py: Handler` says."""
        try:
            result = PaymentResult.decode(message.topic, message.body)
            signed = bool(self.keys) and is_genuine(message.body, self.keys)
        except Malformed as fault:
            raise Reject(f"malformed: {fault}") from fault
        begun_by = log.request_id.set(result.request_id)
        try:
            word = _verdict(result) if signed else await self._confirmed(result)
            await self.payments.settle(word, result.message_id if signed else None)
        except AmountMismatch as fault:
            raise Reject(f"amount_mismatch: {fault}") from fault
        finally:
            log.request_id.reset(begun_by)

    async def _confirmed(self, result: PaymentResult) -> Verdict:
        """Return what the payment service itself says, if that is what the message claims."""
        order_id = OrderId(result.order_id)
        charge = await self.charges.find(order_id)
        if charge is None or charge.state != result.status:
            EVENTS_FORGED.inc()
            _log.error("forged payment result", order_id=str(order_id))
            raise Reject("forged")
        return verdict(order_id, charge)


def _verdict(result: PaymentResult) -> Verdict:
    return Verdict(
        order_id=OrderId(result.order_id),
        approved=result.status == "success",
        payment_ref=result.payment_id,
        amount=result.amount,
        message=result.message,
        request_id=result.request_id,
    )
