"""The payment service's decisions, one by one."""

import pytest

from pasar.kit.money import Money
from pasar.payment_service import rules
from pasar.payment_service.model import AmountMismatch, PaymentRequest, Status

REQUEST = PaymentRequest(order_id="order-1", amount=Money(1050), method="mock")


def test_d46_an_order_keeps_its_payment_id_and_shares_it_with_no_other() -> None:
    """Orders of one moment differ only at the end; eight leading characters were shared once."""
    ids = {rules.payment_id_of(f"0190c7a2-0000-7000-8000-{i:012d}") for i in range(1000)}

    assert len(ids) == 1000
    assert rules.payment_id_of("order-1") == "pay_29dd879f4a1851c3901d09cdcf099f10"


def test_a_new_charge_is_what_was_asked_for() -> None:
    charge = rules.opened(REQUEST, "IDR", "req-1")

    assert (charge.amount, charge.currency, charge.status) == (Money(1050), "IDR", Status.PENDING)
    assert charge.request_id == "req-1"


def test_the_bank_decides() -> None:
    charge = rules.opened(REQUEST, "IDR", "")

    assert rules.decided(charge, approved=True, reason="").status is Status.SUCCESS
    declined = rules.decided(charge, approved=False, reason="declined")
    assert (declined.status, declined.reason) == (Status.FAILED, "declined")


def test_another_amount_is_refused() -> None:
    charge = rules.opened(REQUEST, "IDR", "")

    rules.check_amount(charge, Money(1050))
    with pytest.raises(AmountMismatch, match=r"charge of 10\.5, not 10\.51"):
        rules.check_amount(charge, Money(1051))


def test_a_lease_outlasts_the_slowest_answer_and_the_wait_for_it() -> None:
    assert rules.lease_s(2) == 10
    assert rules.lease_s(20) == 40
    assert 20 < rules.patience_s(rules.lease_s(20)) < rules.lease_s(20)
