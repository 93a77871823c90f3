"""Charges in batches: few statements, and still to each what is its own."""

import asyncio

import asyncpg

from pasar.kit.money import Money
from pasar.kit.postgres import PostgresDatabase
from pasar.payment_service.model import Charge, Status
from pasar.payment_service.postgres import PostgresCharges
from tests.fakes.gateway import MemoryBank
from tests.kit.databases import until_somebody_waits
from tests.payment_service.conftest import MakePayments, asked

PLANT = """
INSERT INTO charges (order_id, payment_id, method, amount, currency, status, next_at)
VALUES ($1, 'pay_' || $1, 'mock', 1, 'IDR', 'pending', now())
"""


def charge(order_id: str, *, amount: int = 1050, payment_id: str = "") -> Charge:
    return Charge(
        order_id=order_id,
        payment_id=payment_id or f"pay_{order_id}",
        amount=Money(amount),
        currency="IDR",
        method="mock",
        status=Status.PENDING,
        reason="",
        request_id="",
    )


async def test_a_thousand_charges_at_once_cost_fifteen_commits(
    make_payments: MakePayments, payment_database: PostgresDatabase
) -> None:
    """Five batches of two hundred each for the intent, the bank's ledger and the result."""
    payments = make_payments()
    before = payment_database.statements

    charges = await asyncio.gather(*[payments.charge(asked(f"o-{i}")) for i in range(1000)])

    assert {charge.status for charge in charges} == {Status.SUCCESS}
    assert payment_database.statements - before <= 20  # the ledger's batches may fall otherwise
    ledger = await payment_database.fetch("SELECT FROM provider_ledger")
    events = await payment_database.fetch("SELECT DISTINCT aggregate_id FROM outbox")
    assert (len(ledger), len(events)) == (1000, 1000)


async def test_each_keeps_what_is_its_own(make_payments: MakePayments) -> None:
    payments = make_payments()
    amounts = {f"o-{i}": 100 * i + 13 * (i % 2) for i in range(1, 50)}

    await asyncio.gather(*[payments.charge(asked(*order)) for order in amounts.items()])

    for order, amount in amounts.items():
        found = await payments.get(order)
        assert found.amount == Money(amount)
        assert found.status is (Status.FAILED if amount % 100 == 13 else Status.SUCCESS)


async def test_of_one_order_twice_in_a_batch_the_first_one_counts(charges: PostgresCharges) -> None:
    inserted = await asyncio.gather(
        *[charges.insert(charge("1", amount=amount), 10.0) for amount in (100, 200, 300)],
        charges.insert(charge("2"), 10.0),
    )

    found = await charges.find("1")
    assert inserted == [True, False, False, True]
    assert found is not None
    assert found.amount == Money(100)


async def test_a_charge_no_database_takes_fails_alone(charges: PostgresCharges) -> None:
    orders = ["1", "a\0b", "2"]

    outcomes = await asyncio.gather(
        *[charges.insert(charge(order), 10.0) for order in orders], return_exceptions=True
    )

    good, bad, other = outcomes
    assert (good, other) == (True, True)
    assert isinstance(bad, asyncpg.PostgresError)


async def test_a_batch_takes_its_rows_in_one_order_whatever_the_order_of_the_calls(
    charges: PostgresCharges,
    payment_database: PostgresDatabase,
    owner: PostgresDatabase,
) -> None:
    """Else two batches wait for each other; the one statement shows that no retry hides it."""

    before = payment_database.statements
    async with payment_database.begin() as other:
        await other.execute(PLANT, "1")
        batch = asyncio.gather(*[charges.insert(charge(order), 10.0) for order in ("2", "1")])
        await until_somebody_waits(owner)
        await other.execute(PLANT, "2")

    assert await batch == [False, False]
    assert payment_database.statements - before == 3


async def test_many_services_charge_an_order_once_whatever_the_order_of_their_calls(
    make_payments: MakePayments, payment_database: PostgresDatabase
) -> None:
    bank = MemoryBank()
    orders = [asked(f"o-{i}") for i in range(100)]
    services = [make_payments(bank) for _ in range(4)]

    await asyncio.gather(
        *[
            service.charge(order)
            for turn, service in enumerate(services)
            for order in (orders if turn % 2 else reversed(orders))
        ]
    )

    assert bank.calls == len(await payment_database.fetch("SELECT FROM outbox")) == 100
