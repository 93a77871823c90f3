"""When to look, what a charge says, and where two books differ: the tables, read row by row."""

import pytest

from pasar.kit.money import Money
from pasar.store_service.payments.model import (
    Charge,
    ChargeState,
    Difference,
    KnownPayment,
    ListedCharge,
)
from pasar.store_service.payments.rules import LOOK_EVERY, LOOKS, difference

FIVE_S = 5


def test_the_looks_are_at_the_ages_of_the_specification() -> None:
    assert [look.after * FIVE_S for look in LOOKS if look.resend] == [5, 15, 45, 120]
    assert [look.after * FIVE_S for look in LOOKS if look.ask] == [10, 15, 30, 45, 60, 120]
    assert LOOK_EVERY * FIVE_S == 60


def listed(state: str, amount: int | None = 10, refund: str = "") -> ListedCharge:
    money = None if amount is None else Money(amount)
    return ListedCharge("1", Charge(ChargeState(state), "pay_1", money), refund)


def known(
    status: str, refund: str = "", refund_status: str = "", *, fresh: bool = False
) -> KnownPayment:
    return KnownPayment(status, Money(10), fresh, refund, refund_status)


@pytest.mark.parametrize(
    ("charge", "payment"),
    [
        (listed("success"), known("success")),
        (listed("failed"), known("failed")),
        (listed("voided", None), known("failed")),
        (listed("pending"), known("pending")),
        (listed("success"), known("pending", fresh=True)),
        (listed("success", refund="r"), known("refunded", "r", "success")),
        (listed("success"), known("success", "r", "pending")),
        (listed("success", refund="r"), known("success", "r", "pending")),
    ],
)
def test_books_that_agree_or_are_about_to(charge: ListedCharge, payment: KnownPayment) -> None:
    assert difference(charge, payment) is None


@pytest.mark.parametrize(
    ("charge", "payment", "kind"),
    [
        (listed("success"), None, Difference.UNKNOWN_ORDER),
        (listed("success", 11), known("success"), Difference.AMOUNT),
        (listed("success"), known("pending"), Difference.UNSETTLED),
        (listed("voided", None), known("pending"), Difference.UNSETTLED),
        (listed("failed"), known("success"), Difference.CONTRADICTION),
        (listed("success"), known("failed"), Difference.CONTRADICTION),
        (listed("pending"), known("success"), Difference.CONTRADICTION),
        (listed("success", refund="r"), known("success"), Difference.REFUND),
        (listed("success", refund="r"), known("refunded", "s", "success"), Difference.REFUND),
        (listed("success"), known("refunded", "r", "success"), Difference.REFUND),
    ],
)
def test_the_gravest_difference_is_named(
    charge: ListedCharge, payment: KnownPayment | None, kind: Difference
) -> None:
    assert difference(charge, payment) is kind
