"""Messages in: `order.created` becomes a charge; what can never become one is refused for good."""

from collections.abc import Sequence
from typing import Final

from pasar.contracts.events import Malformed, OrderCreated, is_genuine
from pasar.kit import log
from pasar.kit.broker.port import Message, Reject
from pasar.kit.metrics import EVENTS_FORGED
from pasar.payment_service.model import AmountMismatch, PaymentRequest
from pasar.payment_service.service import Payments

_METHOD: Final = "mock"  # contract section 9: the only one


class OrderCreatedConsumer:
    """
    Handler of `order.created`; returns, and so acknowledges, once the answer is committed.

    `keys` are the signing keys in force; a message none of them vouches for is forged. Raises
    Reject for a dead letter and kit.errors.Unavailable for another delivery.
    """

    def __init__(self, payments: Payments, keys: Sequence[str]) -> None:
        self._payments = payments
        self._keys = keys

    async def __call__(self, message: Message) -> None:
        order = self._read(message.body)
        log.request_id.set(order.request_id)
        request = PaymentRequest(
            order_id=str(order.order_id), amount=order.total_amount, method=_METHOD
        )
        try:
            await self._payments.charge(request)
        except AmountMismatch as mismatch:
            raise Reject(f"amount_mismatch: {mismatch.message}") from mismatch

    def _read(self, body: bytes) -> OrderCreated:
        try:
            order = OrderCreated.decode(body)
        except Malformed as fault:
            raise Reject(f"malformed: {fault}") from fault
        if not is_genuine(body, self._keys):
            EVENTS_FORGED.inc()
            raise Reject("forged")
        return order
