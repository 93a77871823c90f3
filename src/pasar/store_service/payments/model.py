"""What the store and the payment service talk about: charges, and what the store still owes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from pasar.kit.money import Money
from pasar.store_service.orders.model import OrderId


class ChargeState(StrEnum):
    """As the payment service has it; SUCCESS, FAILED and VOIDED are its last words."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILED = "failed"
    VOIDED = "voided"
    """Called off before it was made: the order will never be charged."""


@dataclass(frozen=True, slots=True)
class Charge:
    """`payment_ref` is empty and `amount` None if the order was called off without a charge."""

    state: ChargeState
    payment_ref: str
    amount: Money | None


@dataclass(frozen=True, slots=True)
class DuePayment:
    """
    A payment to be asked about or, if there is a `void_reason`, to be called off.

    `request_id` is the HTTP request that made the order; the earlier service noted none.
    """

    order_id: OrderId
    void_reason: str | None
    request_id: str


@dataclass(frozen=True, slots=True)
class DueRefund:
    """Money owed to a buyer; `id` is the same on every try, `request_id` as in DuePayment."""

    id: UUID
    order_id: OrderId
    amount: Money
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class ListedCharge:
    """One line of the payment service's books; `order_id` is text, not always one of ours."""

    order_id: str
    charge: Charge
    refund_id: str


@dataclass(frozen=True, slots=True)
class ChargePage:
    """Some of the books; an empty `next_cursor` says that these were the last lines."""

    charges: Sequence[ListedCharge]
    next_cursor: str


@dataclass(frozen=True, slots=True)
class KnownPayment:
    """
    What the store has written down of the same order.

    `fresh`: so young that the news may be on its way. `refund_id` is empty if none is owed.
    """

    payment_status: str
    total: Money
    fresh: bool
    refund_id: str
    refund_status: str


class Difference(StrEnum):
    """What a comparison of the two services' books may find."""

    UNKNOWN_ORDER = "charge without an order here"
    AMOUNT = "charge of another amount than the order's"
    UNSETTLED = "final charge, settled now"
    CONTRADICTION = "payment and charge ended differently"
    REFUND = "refunded on one side alone"


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many charges there are, and how many differ, by kind."""

    charges: int
    differences: Mapping[Difference, int]


class RefundRefused(Exception):
    """The payment service will not pay this back, however often asked: for a person to look at."""
