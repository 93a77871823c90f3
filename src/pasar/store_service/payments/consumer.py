"""
Payment results from the broker: read, proven genuine, handed to the service.

How often a message is tried again is the broker's business (`kit/broker/port.py`): a refusal here
is for good, an unknown order gets five attempts, an unreachable database as many as it takes.
"""

from collections.abc import Sequence

from pasar.contracts.events import Malformed, PaymentResult, is_genuine
from pasar.kit.broker.port import Message, Reject
from pasar.kit.log import request_id
from pasar.kit.metrics import EVENTS_FORGED
from pasar.store_service.orders.model import AmountMismatch, OrderId, Verdict
from pasar.store_service.payments.service import PaymentService


class PaymentResults:
    """Handler of `payment.success` and `payment.failed`; `keys` are the signing keys that count."""

    def __init__(self, payments: PaymentService, keys: Sequence[str]) -> None:
        self.payments = payments
        self.keys = keys

    async def handle(self, message: Message) -> None:
        """Settle the order the message is about. Raises what `kit/broker/port.py: Handler` says."""
        result = self._read(message)
        begun_by = request_id.set(result.request_id)
        try:
            await self.payments.settle(result.message_id, _verdict(result))
        except AmountMismatch as fault:
            raise Reject(f"amount_mismatch: {fault}") from fault
        finally:
            request_id.reset(begun_by)

    def _read(self, message: Message) -> PaymentResult:
        try:
            genuine = is_genuine(message.body, self.keys)
            result = PaymentResult.decode(message.topic, message.body)
        except Malformed as fault:
            raise Reject(f"malformed: {fault}") from fault
        if not genuine:
            EVENTS_FORGED.inc()
            raise Reject("forged")
        return result


def _verdict(result: PaymentResult) -> Verdict:
    return Verdict(
        order_id=OrderId(result.order_id),
        approved=result.status == "success",
        payment_ref=result.payment_id,
        amount=result.amount,
        message=result.message,
    )
