"""What the payment service deals in: requests, charges, refunds and their ways to fail."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pasar.kit.errors import Conflict, NotFound, WrongState
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

    `reason` says why it failed or was voided; `request_id` is the HTTP request that began it, empty
    if unknown. A voided one has no method, and its amount is 0.
    """

    order_id: str
    payment_id: str
    amount: Money
    currency: str
    method: str
    status: Status
    reason: str
    request_id: str


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the list of all charges: behind the one last changed then, with this order."""

    updated_at: datetime
    order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedCharge:
    """A charge with the moment of its last change and the refund of its order, if there is one."""

    charge: Charge
    updated_at: datetime
    refund_id: UUID | None


class RefundStatus(StrEnum):
    """PENDING becomes SUCCESS once."""

    PENDING = "pending"
    SUCCESS = "success"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """An order's money going back, all of it; the caller chose `refund_id` and keeps it."""

    refund_id: UUID
    order_id: str
    amount: Money
    status: RefundStatus = RefundStatus.PENDING


class UnknownCharge(NotFound):
    def __init__(self) -> None:
        super().__init__("payment not found")


class AmountMismatch(Conflict):
    """The order has a charge of another amount; that one stands."""

    def __init__(self, charged: Money, asked: Money) -> None:
        super().__init__(f"order has a charge of {charged}, not {asked}", field="amount")


class RefundMismatch(Conflict):
    """The order or the refund id has another refund; that one stands."""

    def __init__(self) -> None:
        super().__init__("the order or the refund id has another refund", field="refund_id")


class NothingToRefund(WrongState):
    """The order has no successful charge of the amount that is to go back."""

    def __init__(self) -> None:
        super().__init__("the order has no successful charge of this amount")
