"""The contract's two methods, called by a contract client on loopback."""

import asyncio

import grpc
import pytest

from pasar.contracts import payment_pb2 as pb
from pasar.kit import errors
from pasar.kit.errors import PasarError
from pasar.kit.postgres import PostgresDatabase
from pasar.payment_service.grpc_server import STATUSES
from tests.fakes.gateway import CrashingBank, MemoryBank
from tests.payment_service.conftest import (
    ORDER,
    Call,
    Events,
    ExpireLeases,
    MakePayments,
    asked,
    refusal,
)

Code = grpc.StatusCode


def process(order_id: str = ORDER, amount: str = "10.5") -> pb.ProcessPaymentRequest:
    return pb.ProcessPaymentRequest(order_id=order_id, amount=amount, method="mock")


async def test_a_payment_is_processed_and_can_be_looked_up(
    make_payments: MakePayments, call: Call
) -> None:
    stub = await call(make_payments())

    paid = await stub.ProcessPayment(process())
    status = await stub.GetPaymentStatus(pb.GetPaymentStatusRequest(order_id=ORDER))

    assert paid == pb.ProcessPaymentResponse(
        success=True,
        payment_id=paid.payment_id,
        status="success",
        message="payment processed successfully",
    )
    assert paid.payment_id.startswith("pay_")
    assert status == pb.GetPaymentStatusResponse(
        payment_id=paid.payment_id,
        order_id=ORDER,
        status="success",
        amount="10.5",
        method="mock",
        state="success",
        currency="IDR",
    )


async def test_a_declined_payment_is_no_error(make_payments: MakePayments, call: Call) -> None:
    stub = await call(make_payments())

    declined = await stub.ProcessPayment(process(amount="20.13"))

    assert not declined.success
    assert (declined.status, declined.message) == ("failed", "payment declined")


async def test_d47_event_and_call_share_one_result_whatever_the_spelling_of_the_order(
    make_payments: MakePayments, call: Call, events: Events
) -> None:
    bank = MemoryBank()
    payments = make_payments(bank)
    stub = await call(payments)
    shouted = f"urn:uuid:{ORDER.upper()}"

    charge = await payments.charge(asked())
    answers = [await stub.ProcessPayment(process(shouted)) for _ in range(3)]
    status = await stub.GetPaymentStatus(pb.GetPaymentStatusRequest(order_id=shouted))

    assert {answer.payment_id for answer in answers} == {charge.payment_id}
    assert (status.payment_id, status.order_id) == (charge.payment_id, shouted)
    assert (bank.calls, len(await events())) == (1, 1)


async def test_other_ids_are_opaque_text(make_payments: MakePayments, call: Call) -> None:
    stub = await call(make_payments())

    one, other = [await stub.ProcessPayment(process(order_id)) for order_id in ("a 1", "A 1")]

    assert one.success
    assert one.payment_id != other.payment_id


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (process(order_id=""), "order_id"),
        (process(order_id="a\0b"), "order_id"),
        (process(order_id="x" * 256), "order_id"),
        (process(amount=""), "amount"),
        (process(amount="-0.01"), "amount"),
        (process(amount="ten"), "amount"),
        (process(amount="NaN"), "amount"),
        (process(amount="1.001"), "amount"),
        (process(amount="1e99999999"), "amount"),
        (pb.ProcessPaymentRequest(order_id="1", amount="1", method="\0"), "method"),
    ],
)
async def test_d47_unusable_input_is_an_invalid_argument(
    make_payments: MakePayments, call: Call, request_: pb.ProcessPaymentRequest, field: str
) -> None:
    bank = MemoryBank()
    stub = await call(make_payments(bank))

    code, details = await refusal(stub.ProcessPayment(request_))

    assert code is Code.INVALID_ARGUMENT
    assert (details or "").startswith(field)
    assert bank.calls == 0


async def test_an_order_nobody_paid_for_is_not_found(
    make_payments: MakePayments, call: Call
) -> None:
    stub = await call(make_payments())
    nobody = stub.GetPaymentStatus(pb.GetPaymentStatusRequest(order_id=ORDER))
    nameless = stub.GetPaymentStatus(pb.GetPaymentStatusRequest())

    assert await refusal(nobody) == (Code.NOT_FOUND, "payment not found")
    assert (await refusal(nameless))[0] is Code.INVALID_ARGUMENT


async def test_another_amount_is_refused(make_payments: MakePayments, call: Call) -> None:
    stub = await call(make_payments())
    await stub.ProcessPayment(process())

    code, _ = await refusal(stub.ProcessPayment(process(amount="10.51")))

    assert code is Code.ALREADY_EXISTS


async def test_a_silent_bank_ends_the_call_and_the_sweeper_the_payment(
    make_payments: MakePayments, call: Call, expire_leases: ExpireLeases
) -> None:
    bank = MemoryBank()
    bank.willing.clear()
    payments = make_payments(bank)
    stub = await call(payments)
    question = pb.GetPaymentStatusRequest(order_id=ORDER)

    code, _ = await refusal(stub.ProcessPayment(process()))
    pending = await stub.GetPaymentStatus(question)
    bank.willing.set()
    await expire_leases()
    await payments.sweep(10)
    success = await stub.GetPaymentStatus(question)

    assert code is Code.DEADLINE_EXCEEDED
    assert (pending.status, pending.state) == ("pending", "pending")
    assert (success.status, success.state) == ("success", "success")


async def test_a_voided_order_has_failed_and_is_never_charged(
    make_payments: MakePayments, call: Call, events: Events
) -> None:
    bank = MemoryBank()
    payments = make_payments(bank)
    stub = await call(payments)
    await payments.void(ORDER, "buyer")

    answer = await stub.ProcessPayment(process())
    status = await stub.GetPaymentStatus(pb.GetPaymentStatusRequest(order_id=ORDER))

    assert (answer.success, answer.status) == (False, "failed")
    assert answer.message == "payment voided: buyer"
    assert (status.status, status.state) == ("failed", "voided")
    assert (bank.calls, await events()) == (0, [])


async def test_a_database_that_is_away_is_unavailable(
    make_payments: MakePayments, call: Call, payment_database: PostgresDatabase
) -> None:
    stub = await call(make_payments())
    await payment_database.close()

    assert (await refusal(stub.ProcessPayment(process())))[0] is Code.UNAVAILABLE


async def test_an_unknown_fault_tells_the_caller_nothing(
    make_payments: MakePayments, call: Call
) -> None:
    stub = await call(make_payments(CrashingBank(MemoryBank())))

    answer = await refusal(stub.ProcessPayment(process()))

    assert answer == (Code.INTERNAL, "internal server error")


@pytest.mark.parametrize(("shown", "kept"), [("req-1", "req-1"), ("no id", ""), ("x" * 129, "")])
async def test_the_request_id_of_the_caller_is_kept_if_usable(
    make_payments: MakePayments, call: Call, shown: str, kept: str
) -> None:
    payments = make_payments()
    stub = await call(payments)

    await stub.ProcessPayment(process(), metadata=(("x-request-id", shown),))

    assert (await payments.get(ORDER)).request_id == kept


async def test_d42_calls_run_side_by_side(make_payments: MakePayments, call: Call) -> None:
    bank = MemoryBank()
    bank.willing.clear()
    stub = await call(make_payments(bank))

    calls = [stub.ProcessPayment(process(f"order-{i}")) for i in range(20)]
    answers = asyncio.gather(*calls)
    await bank.until_called(20)
    bank.willing.set()

    assert all(answer.success for answer in await answers)


def test_every_error_code_has_a_status() -> None:
    codes = {kind.code for kind in vars(errors).values() if _is_error(kind)}

    assert set(STATUSES) == codes


def _is_error(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, PasarError)
