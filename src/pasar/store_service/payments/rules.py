"""When to look after a payment, what a charge says of its order, where the two books differ."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from pasar.store_service.orders.model import OrderId, Verdict
from pasar.store_service.payments.model import (
    Charge,
    ChargeState,
    Difference,
    KnownPayment,
    ListedCharge,
)


@dataclass(frozen=True, slots=True)
class Look:
    """
    What is done about a payment that is still pending at an age.

    `after` counts in units of RESEND_AFTER (5 s), which is above the slowest normal payment.
    `resend`: the order is told once more; `ask`: the payment service is asked.
    """

    after: int
    resend: bool
    ask: bool


LOOKS: Final = (
    Look(1, resend=True, ask=False),
    Look(2, resend=False, ask=True),
    Look(3, resend=True, ask=True),
    Look(6, resend=False, ask=True),
    Look(9, resend=True, ask=True),
    Look(12, resend=False, ask=True),
    Look(24, resend=True, ask=True),
)
"""5, 10, 15, 30, 45, 60 and 120 s after the checkout."""

LOOK_EVERY: Final = 12
"""From then on, every 60 s: both."""

FINAL: Final[Collection[ChargeState]] = (
    ChargeState.SUCCESS,
    ChargeState.FAILED,
    ChargeState.VOIDED,
)

_MESSAGES: Final[Mapping[ChargeState, str]] = {
    ChargeState.SUCCESS: "payment processed successfully",
    ChargeState.FAILED: "payment declined",
    ChargeState.VOIDED: "payment called off",
}

# Ends of a payment here that agree with an end of the charge there.
_AGREES: Final[Mapping[ChargeState, Collection[str]]] = {
    ChargeState.PENDING: {"pending"},
    ChargeState.SUCCESS: {"success", "refunded"},
    ChargeState.FAILED: {"failed"},
    ChargeState.VOIDED: {"failed"},
}


def verdict(order_id: OrderId, charge: Charge, request_id: str = "") -> Verdict:
    """Return what a final charge says of its order, asked for on behalf of the request."""
    return Verdict(
        order_id=order_id,
        approved=charge.state is ChargeState.SUCCESS,
        payment_ref=charge.payment_ref,
        amount=charge.amount,
        message=_MESSAGES[charge.state],
        request_id=request_id,
        called_off=charge.state is ChargeState.VOIDED,
    )


def difference(listed: ListedCharge, known: KnownPayment | None) -> Difference | None:
    """Return the gravest way in which the two books differ on an order, None if they agree."""
    if known is None:
        return Difference.UNKNOWN_ORDER
    if listed.charge.amount not in {None, known.total}:
        return Difference.AMOUNT
    if known.payment_status not in _AGREES[listed.charge.state]:
        if known.payment_status == "pending":
            return None if known.fresh else Difference.UNSETTLED
        return Difference.CONTRADICTION
    settled = known.refund_status == "success"
    if listed.refund_id != known.refund_id and (listed.refund_id or settled):
        return Difference.REFUND
    return None
