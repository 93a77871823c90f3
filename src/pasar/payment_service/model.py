"""What the payment service deals in: requests, charges and their ways to fail."""

from dataclasses import dataclass
from enum import StrEnum

from pasar.kit.errors import Conflict, NotFound
from pasar.kit.money import Money


class Status(StrEnum):
    """PENDING becomes SUCCESS or FAILED once; VOIDED is a tombstone: never to be charged."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILED = "failed"
    VOIDED = "voided"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRequest:
    """Somebody wants an order charged; `order_id` is opaque text, UUIDs in their usual spelling."""

    order_id: str
    amount: Money
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """
    The one charge of an order; `payment_id` is derived from the order and never changes.

    `reason` says why it failed; `request_id` is the HTTP request that began it, empty if unknown.
    """

    order_id: str
    payment_id: str
    amount: Money
    currency: str
    method: str
    status: Status
    reason: str
    request_id: str


class UnknownCharge(NotFound):
    def __init__(self) -> None:
        super().__init__("payment not found")


class AmountMismatch(Conflict):
    """The order has a charge of another amount; that one stands."""

    def __init__(self, charged: Money, asked: Money) -> None:
        super().__init__(f"order has a charge of {charged}, not {asked}", field="amount")
