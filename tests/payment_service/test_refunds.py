"""Giving an order's money back: once, however often it is asked for and whatever dies."""

import asyncio
from uuid import UUID, uuid4

import grpc
import pytest

from pasar.contracts import payment_pb2 as pb
from pasar.kit.failpoints import FailpointReached
from pasar.kit.money import Money
from pasar.kit.postgres import PostgresDatabase
from pasar.payment_service.model import NothingToRefund, Refund, RefundMismatch, RefundStatus
from tests.fakes.gateway import MemoryBank
from tests.payment_service.conftest import (
    ORDER,
    THE_STORE,
    Arm,
    Call,
    MakePayments,
    asked,
    mock_bank,
    refusal,
)

REFUND = UUID("0190c7a2-0000-7000-8000-0000000000aa")
REFUNDS = "SELECT key, order_id, amount, approved FROM provider_ledger WHERE kind = 'refund'"
Code = grpc.StatusCode


def wanted(order_id: str = ORDER, amount: int = 1050, refund_id: UUID = REFUND) -> Refund:
    return Refund(refund_id=refund_id, order_id=order_id, amount=Money(amount))


async def test_h17_a_refund_asked_for_often_moves_the_money_once(
    make_payments: MakePayments, payment_database: PostgresDatabase
) -> None:
    payments, others = make_payments(), make_payments()
    await payments.charge(asked())

    refunds = await asyncio.gather(
        *[service.refund(wanted()) for service in (payments, others) for _ in range(10)]
    )
    refunds.append(await payments.refund(wanted()))

    [entry] = await payment_database.fetch(REFUNDS)
    assert {refund.status for refund in refunds} == {RefundStatus.SUCCESS}
    assert (entry["key"], entry["order_id"]) == (f"refund:{REFUND}", ORDER)
    assert (Money.of(entry["amount"]), entry["approved"]) == (Money(1050), True)


async def test_c10_killed_after_the_bank_the_next_call_finishes_the_same_refund(
    make_payments: MakePayments, payment_database: PostgresDatabase, arm: Arm
) -> None:
    payments = make_payments()
    await payments.charge(asked())
    arm("refund.after_bank=raise")
    with pytest.raises(FailpointReached):
        await payments.refund(wanted())
    [left] = await payment_database.fetch("SELECT status FROM refunds")
    arm("")

    finished = await make_payments().refund(wanted())

    assert left["status"] == "pending"
    assert finished.status is RefundStatus.SUCCESS
    assert len(await payment_database.fetch(REFUNDS)) == 1
    [row] = await payment_database.fetch("SELECT status FROM refunds")
    assert row["status"] == "success"


async def test_while_the_bank_is_silent_a_refund_is_pending_and_asked_for_again(
    make_payments: MakePayments, payment_database: PostgresDatabase
) -> None:
    payments = make_payments(mock_bank(payment_database))
    await make_payments(MemoryBank()).charge(asked(amount=2014))

    first, second = [await payments.refund(wanted(amount=2014)) for _ in range(2)]

    assert (first.status, second.status) == (RefundStatus.PENDING, RefundStatus.SUCCESS)
    assert len(await payment_database.fetch(REFUNDS)) == 1


@pytest.mark.parametrize(
    "other",
    [
        wanted(refund_id=uuid4()),
        wanted(order_id="another"),
        wanted(amount=1051),
        wanted(order_id="second"),
    ],
    ids=["second id", "id of another order", "other amount", "id of another charged order"],
)
async def test_h17_a_second_refund_or_another_under_the_same_id_is_refused(
    make_payments: MakePayments, payment_database: PostgresDatabase, other: Refund
) -> None:
    payments = make_payments()
    await payments.charge(asked())
    await payments.charge(asked("second"))
    await payments.refund(wanted())

    with pytest.raises(RefundMismatch):
        await payments.refund(other)

    assert len(await payment_database.fetch(REFUNDS)) == 1


async def test_only_a_successful_charge_of_that_amount_can_go_back(
    make_payments: MakePayments, payment_database: PostgresDatabase
) -> None:
    payments = make_payments()
    await payments.charge(asked("charged"))
    await payments.charge(asked("declined", amount=2013))
    await payments.void("voided", "buyer")

    for refund in (
        wanted("charged", amount=1051),
        wanted("declined", amount=2013),
        wanted("voided", amount=0),
        wanted("unknown"),
    ):
        with pytest.raises(NothingToRefund):
            await payments.refund(refund)

    assert await payment_database.fetch(REFUNDS) == []


async def test_the_answers_over_grpc(make_payments: MakePayments, call: Call) -> None:
    payments = make_payments()
    stub = await call(payments)
    await payments.charge(asked())
    request = pb.RefundPaymentRequest(refund_id=str(REFUND), order_id=ORDER, amount="10.50")
    second = pb.RefundPaymentRequest(refund_id=str(uuid4()), order_id=ORDER, amount="10.5")
    unknown = pb.RefundPaymentRequest(refund_id=str(uuid4()), order_id="unknown", amount="10.5")
    nameless = pb.RefundPaymentRequest(refund_id="7", order_id=ORDER, amount="10.5")

    answer = await stub.RefundPayment(request, metadata=THE_STORE)

    assert answer == pb.RefundPaymentResponse(refund_id=str(REFUND), status="success")
    assert (await refusal(stub.RefundPayment(second, metadata=THE_STORE)))[0] is Code.ALREADY_EXISTS
    assert (await refusal(stub.RefundPayment(unknown, metadata=THE_STORE)))[
        0
    ] is Code.FAILED_PRECONDITION
    assert (await refusal(stub.RefundPayment(nameless, metadata=THE_STORE)))[
        0
    ] is Code.INVALID_ARGUMENT
