"""The payment service's decisions, without clock, log or database."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID, uuid5

from pasar.kit.money import Money
from pasar.payment_service.model import (
    AmountMismatch,
    Charge,
    NothingToRefund,
    PaymentRequest,
    Refund,
    RefundMismatch,
    Status,
)

FINAL: Final[Collection[Status]] = (Status.SUCCESS, Status.FAILED, Status.VOIDED)

# Any fixed value will do: it must only never change, or orders would get a second payment id.
_PAYMENTS: Final = UUID("e1a0c6a4-8f5d-5b7e-9a39-7061736172b2")

_LEASE_AT_LEAST_S: Final = 10.0  # five times the slowest answer of the mock bank
_PATIENCE: Final = 0.75  # of the lease: whoever waits longer shares the charge with the next worker


def payment_id_of(order_id: str) -> str:
    """Return `pay_` and 32 hexadecimal digits that belong to this order alone (contract D46)."""
    return f"pay_{uuid5(_PAYMENTS, order_id).hex}"


def opened(request: PaymentRequest, currency: str, request_id: str) -> Charge:
    return Charge(
        order_id=request.order_id,
        payment_id=payment_id_of(request.order_id),
        amount=request.amount,
        currency=currency,
        method=request.method,
        status=Status.PENDING,
        reason="",
        request_id=request_id,
    )


def decided(charge: Charge, *, approved: bool, reason: str) -> Charge:
    return replace(charge, status=Status.SUCCESS if approved else Status.FAILED, reason=reason)


def tombstone(order_id: str, reason: str, currency: str, request_id: str) -> Charge:
    """Return what stands in a charge's place, so that none is ever made."""
    return Charge(
        order_id=order_id,
        payment_id=payment_id_of(order_id),
        amount=Money(0),
        currency=currency,
        method="",
        status=Status.VOIDED,
        reason=reason,
        request_id=request_id,
    )


def check_amount(charge: Charge, asked: Money) -> None:
    """Raise AmountMismatch if the existing charge is of another amount; a voided one has none."""
    if charge.status is not Status.VOIDED and charge.amount != asked:
        raise AmountMismatch(charge.amount, asked)


def the_one(asked: Refund, found: Sequence[Refund]) -> Refund:
    """Return the refund that was asked for before. Raises NothingToRefund, RefundMismatch."""
    if not found:
        raise NothingToRefund
    for refund in found:
        if replace(refund, status=asked.status) != asked:
            raise RefundMismatch
    return found[0]


def charge_key(order_id: str) -> str:
    """Return the key under which the bank charges an order at most once."""
    return f"charge:{order_id}"


def refund_key(refund_id: UUID) -> str:
    """Return the key under which the bank gives money back at most once."""
    return f"refund:{refund_id}"


def lease_s(slowest_answer_s: float) -> float:
    """Return how long a charge is one worker's: at least twice the bank's slowest answer."""
    return max(_LEASE_AT_LEAST_S, 2 * slowest_answer_s)


def patience_s(lease_s: float) -> float:
    """Return how long the holder of a lease waits for the bank."""
    return _PATIENCE * lease_s
