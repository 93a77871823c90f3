"""Voiding an order's charge: whichever row came first stands, and a voided one costs nothing."""

import asyncio

from pasar.contracts import payment_pb2 as pb
from pasar.kit.postgres import PostgresDatabase
from pasar.payment_service.model import Status
from tests.fakes.gateway import MemoryBank
from tests.payment_service.conftest import (
    ORDER,
    THE_STORE,
    Call,
    Events,
    ExpireLeases,
    MakePayments,
    asked,
)


async def test_c11_an_order_voided_first_is_never_charged(
    make_payments: MakePayments, events: Events, expire_leases: ExpireLeases
) -> None:
    bank = MemoryBank()
    payments = make_payments(bank)

    voided = await payments.void(ORDER, "buyer")
    processed = await payments.process(asked())
    await expire_leases()
    await payments.sweep(100)

    assert processed == voided == await payments.get(ORDER)
    assert (voided.status, voided.reason) == (Status.VOIDED, "buyer")
    assert (bank.calls, await events()) == (0, [])


async def test_c11_a_charge_under_way_is_in_progress_and_then_decides(
    make_payments: MakePayments,
) -> None:
    bank = MemoryBank()
    bank.willing.clear()
    payments = make_payments(bank)
    charging = asyncio.create_task(payments.charge(asked()))
    await bank.until_called()

    early = await payments.void(ORDER, "buyer")
    bank.willing.set()
    charged = await charging

    assert early.status is Status.PENDING
    assert await payments.void(ORDER, "buyer") == charged
    assert charged.status is Status.SUCCESS


async def test_c11_of_void_and_charge_at_once_exactly_one_wins(
    make_payments: MakePayments, payment_database: PostgresDatabase
) -> None:
    """Two services with a batch each, so that the rows meet in the database."""
    here, there = make_payments(), make_payments()
    orders = [f"order-{number}" for number in range(60)]

    await asyncio.gather(
        *[here.charge(asked(order)) for order in orders],
        *[there.void(order, "buyer") for order in reversed(orders)],
    )

    rows = await payment_database.fetch(
        "SELECT status, l.key IS NOT NULL AS moved FROM charges"
        " LEFT JOIN provider_ledger l USING (order_id)"
    )
    assert len(rows) == 60
    assert {(row["status"], row["moved"]) for row in rows} <= {("success", True), ("voided", False)}


async def test_a_void_asked_again_gives_the_same_answer(
    make_payments: MakePayments, call: Call
) -> None:
    stub = await call(make_payments())
    request = pb.VoidPaymentRequest(order_id=ORDER.upper(), reason="payment_timeout")

    first, again = [await stub.VoidPayment(request, metadata=THE_STORE) for _ in range(2)]

    assert first == again == pb.VoidPaymentResponse(order_id=ORDER.upper(), state="voided")


async def test_a_void_that_came_too_late_says_what_was_charged(
    make_payments: MakePayments, call: Call
) -> None:
    bank = MemoryBank()
    payments = make_payments(bank)
    stub = await call(payments)
    bank.willing.clear()
    charging = asyncio.create_task(payments.charge(asked()))
    await bank.until_called()

    under_way = await stub.VoidPayment(pb.VoidPaymentRequest(order_id=ORDER), metadata=THE_STORE)
    bank.willing.set()
    charge = await charging
    late = await stub.VoidPayment(pb.VoidPaymentRequest(order_id=ORDER), metadata=THE_STORE)

    assert under_way.state == "in_progress"
    assert late == pb.VoidPaymentResponse(
        order_id=ORDER, state="success", payment_id=charge.payment_id, amount="10.5"
    )


async def test_a_declined_charge_has_failed_and_needs_no_void(
    make_payments: MakePayments, call: Call
) -> None:
    payments = make_payments(MemoryBank(approves=False))
    stub = await call(payments)
    await payments.charge(asked())

    assert (
        await stub.VoidPayment(pb.VoidPaymentRequest(order_id=ORDER), metadata=THE_STORE)
    ).state == "failed"
