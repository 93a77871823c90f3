"""Charging an order exactly once, whatever is repeated, declined, lost or killed on the way."""

import asyncio
from collections import Counter
from collections.abc import Sequence

import pytest

from pasar.contracts.events import result_message_id
from pasar.kit import log
from pasar.kit.errors import Unavailable
from pasar.kit.money import Money
from pasar.kit.postgres import PostgresDatabase
from pasar.payment_service.gateway import Answer
from pasar.payment_service.model import AmountMismatch, Status, UnknownCharge
from tests.fakes.gateway import CrashingBank, MemoryBank
from tests.payment_service.conftest import (
    ORDER,
    Events,
    ExpireLeases,
    MakePayments,
    asked,
    mock_bank,
)


async def test_an_order_is_charged_and_its_result_waits_to_be_sent(
    make_payments: MakePayments, events: Events
) -> None:
    woken = Counter[str]()
    log.request_id.set("req-1")

    charge = await make_payments(wake=lambda: woken.update(["relay"])).charge(asked())

    [event] = await events()
    assert charge.status is Status.SUCCESS
    assert charge.payment_id.startswith("pay_")
    assert (event["topic"], event["aggregate_id"]) == ("payment.success", ORDER)
    assert event["message_id"] == result_message_id(charge.payment_id)
    assert event["payload"].pop("occurred_at").endswith("Z")
    assert event["payload"] == {
        "order_id": ORDER,
        "payment_id": charge.payment_id,
        "message": "payment processed successfully",
        "message_id": str(event["message_id"]),
        "type": "payment.success",
        "version": "1",
        "request_id": "req-1",
        "amount": "10.5",
        "currency": "IDR",
    }
    assert woken["relay"] == 1


async def test_a_declined_payment_is_a_result_like_any_other(
    make_payments: MakePayments, events: Events
) -> None:
    payments = make_payments()

    declined = await payments.charge(asked(amount=2013))

    [event] = await events()
    assert (declined.status, declined.reason) == (Status.FAILED, "declined")
    assert declined == await payments.get(ORDER)
    assert (event["topic"], event["payload"]["message"]) == ("payment.failed", "payment declined")


async def test_h16_many_requests_for_one_order_are_one_charge(
    make_payments: MakePayments, events: Events, payment_database: PostgresDatabase
) -> None:
    """Often enough for two inserts to meet in the middle, where each unique index has a say."""
    payments = make_payments()

    for number in range(40):
        await asyncio.gather(*[payments.charge(asked(f"order-{number}")) for _ in range(10)])
    await payments.charge(asked("order-7"))

    ledger = await payment_database.fetch("SELECT FROM provider_ledger WHERE approved")
    assert (len(ledger), len(await events())) == (40, 40)


async def test_a_payment_costs_three_statements(
    make_payments: MakePayments, payment_database: PostgresDatabase
) -> None:
    payments = make_payments()
    await payments.charge(asked("warm"))

    before = payment_database.statements
    await payments.charge(asked())

    assert payment_database.statements - before == 3  # intent, the bank's ledger, result


async def test_no_connection_is_held_while_the_bank_thinks(
    make_payments: MakePayments, events: Events
) -> None:
    """A hundred and fifty at once through a pool of ten, which would wait ten seconds and fail."""
    bank = MemoryBank()
    bank.willing.clear()
    payments = make_payments(bank)
    charging = asyncio.gather(*[payments.charge(asked(f"order-{i}")) for i in range(150)])
    await bank.until_called(150)

    bank.willing.set()
    await charging

    assert len(await events()) == 150


async def test_a_repeat_while_the_first_is_at_it_asks_no_bank_and_sends_nothing(
    make_payments: MakePayments, events: Events
) -> None:
    bank = MemoryBank()
    bank.willing.clear()
    payments = make_payments(bank)
    first = asyncio.create_task(payments.process(asked()))
    await bank.until_called()

    repeat = await payments.charge(asked())
    nothing = await events()
    bank.willing.set()

    assert (repeat.status, bank.calls, nothing) == (Status.PENDING, 1, [])
    assert (await first).status is Status.SUCCESS


async def test_who_waits_for_a_result_gets_the_one_another_worker_stored(
    make_payments: MakePayments,
) -> None:
    bank = MemoryBank(approves=False)
    bank.willing.clear()
    here, there = make_payments(bank), make_payments(bank)
    both = asyncio.gather(here.process(asked()), there.process(asked()))
    await bank.until_called()

    bank.willing.set()

    assert [charge.status for charge in await both] == [Status.FAILED, Status.FAILED]
    assert bank.calls == 1


@pytest.mark.parametrize(
    ("sent", "again"), [("now()", False), ("now() - interval '4 s'", True), ("NULL", True)]
)
async def test_a_repeat_after_the_result_has_it_told_again_unless_it_is_on_its_way(
    make_payments: MakePayments,
    events: Events,
    payment_database: PostgresDatabase,
    sent: str,
    again: bool,
) -> None:
    """C8: the store asks again for a result that was sent, and lost by the broker."""
    payments = make_payments()
    await payments.charge(asked())
    await payment_database.execute(
        f"UPDATE outbox SET sent_at = {sent}, next_at = now() + interval '1 h'"  # noqa: S608  above
    )

    await payments.charge(asked())

    [event] = await events()
    due = await payment_database.fetch("SELECT FROM outbox WHERE next_at <= now()")
    assert (event["sent_at"] is None) == again
    assert len(due) == (sent != "NULL" and again)


async def test_another_amount_is_refused_and_changes_nothing(
    make_payments: MakePayments, events: Events, payment_database: PostgresDatabase
) -> None:
    payments = make_payments()
    charged = await payments.charge(asked())
    await payment_database.execute("UPDATE outbox SET sent_at = now() - interval '1 h'")

    with pytest.raises(AmountMismatch):
        await payments.charge(asked(amount=1051))

    [event] = await events()
    assert event["sent_at"] is not None
    assert await payments.get(ORDER) == charged


async def test_an_unknown_order_has_no_charge(make_payments: MakePayments) -> None:
    with pytest.raises(UnknownCharge):
        await make_payments().get(ORDER)


async def test_c07_killed_after_the_bank_the_sweeper_finishes_with_the_bank_s_answer(
    make_payments: MakePayments,
    events: Events,
    payment_database: PostgresDatabase,
    expire_leases: ExpireLeases,
) -> None:
    """The second worker's draw would be a refusal; the money was taken by the first."""
    log.request_id.set("req-1")
    with pytest.raises(RuntimeError):
        await make_payments(CrashingBank(mock_bank(payment_database))).charge(asked())
    assert await events() == []
    log.request_id.set("another")
    await expire_leases()

    strict = make_payments(mock_bank(payment_database, success_rate=0.0))
    await strict.sweep(100)
    await strict.sweep(100)

    [event] = await events()
    [entry] = await payment_database.fetch("SELECT * FROM provider_ledger")
    assert (event["topic"], event["payload"]["request_id"]) == ("payment.success", "req-1")
    assert entry["approved"]
    assert (await strict.get(ORDER)).status is Status.SUCCESS


async def test_a_silent_bank_leaves_the_charge_to_the_sweeper(
    make_payments: MakePayments, events: Events, expire_leases: ExpireLeases
) -> None:
    payments = make_payments()

    pending = await payments.charge(asked(amount=2014))
    nothing = await events()
    await expire_leases()
    await payments.sweep(100)

    assert (pending.status, nothing) == (Status.PENDING, [])
    assert (await payments.get(ORDER)).status is Status.SUCCESS
    assert len(await events()) == 1


async def test_a_bank_that_takes_too_long_counts_as_silent(make_payments: MakePayments) -> None:
    bank = MemoryBank()
    bank.willing.clear()

    charge = await make_payments(bank, lease_s=0.1).charge(asked())

    assert charge.status is Status.PENDING


async def test_a_second_answer_changes_nothing(make_payments: MakePayments, events: Events) -> None:
    charge = await make_payments().charge(asked(amount=2015))

    assert charge.status is Status.SUCCESS
    assert len(await events()) == 1


async def test_the_sweeper_leaves_a_working_worker_alone(make_payments: MakePayments) -> None:
    bank = MemoryBank()
    bank.willing.clear()
    payments = make_payments(bank, lease_s=60)
    working = asyncio.create_task(payments.charge(asked()))
    await bank.until_called()

    await payments.sweep(100)

    bank.willing.set()
    await working
    assert bank.calls == 1


async def test_two_sweepers_never_take_the_same_charge(
    make_payments: MakePayments, payment_database: PostgresDatabase, expire_leases: ExpireLeases
) -> None:
    crashing = make_payments(CrashingBank(MemoryBank()))
    orders = [asked(f"order-{i}") for i in range(20)]
    await asyncio.gather(*map(crashing.charge, orders), return_exceptions=True)
    await expire_leases()
    bank = MemoryBank()

    await asyncio.gather(*[make_payments(bank).sweep(7) for _ in range(4)])

    left = await payment_database.fetch("SELECT FROM charges WHERE status = 'pending'")
    assert (bank.calls, left) == (20, [])


async def test_one_charge_that_fails_does_not_keep_the_sweeper_from_the_others(
    make_payments: MakePayments, payment_database: PostgresDatabase, expire_leases: ExpireLeases
) -> None:
    class Choosy(MemoryBank):
        async def charge(self, key: str, order_id: str, amount: Money) -> Sequence[Answer]:
            if order_id == "order-3":
                raise Unavailable
            return await super().charge(key, order_id, amount)

    crashing = make_payments(CrashingBank(MemoryBank()))
    orders = [asked(f"order-{i}") for i in range(6)]
    await asyncio.gather(*map(crashing.charge, orders), return_exceptions=True)
    await expire_leases()

    await make_payments(Choosy()).sweep(100)

    left = await payment_database.fetch("SELECT order_id FROM charges WHERE status = 'pending'")
    assert [row["order_id"] for row in left] == ["order-3"]


async def test_the_sweeper_works_under_the_request_id_that_began_the_charge(
    make_payments: MakePayments, expire_leases: ExpireLeases
) -> None:
    seen = []

    class Listening(MemoryBank):
        async def charge(self, key: str, order_id: str, amount: Money) -> Sequence[Answer]:
            seen.append(log.request_id.get())
            return await super().charge(key, order_id, amount)

    log.request_id.set("req-1")
    with pytest.raises(RuntimeError):
        await make_payments(CrashingBank(MemoryBank())).charge(asked())
    log.request_id.set("another")
    await expire_leases()

    await make_payments(Listening()).sweep(10)

    assert (seen, log.request_id.get()) == (["req-1"], "another")
