"""Dying at each named stop of a charge: what is left, and who finishes it."""

import pytest

from pasar.kit.failpoints import FailpointReached
from pasar.kit.postgres import PostgresDatabase
from pasar.payment_service.model import Status
from tests.payment_service.conftest import (
    ORDER,
    Arm,
    Events,
    ExpireLeases,
    MakePayments,
    asked,
)

LEDGER = "SELECT FROM provider_ledger"


async def test_c06_dead_before_the_insert_nothing_is_done_and_the_next_delivery_charges(
    make_payments: MakePayments, payment_database: PostgresDatabase, events: Events, arm: Arm
) -> None:
    arm("pay.before_insert=raise")
    with pytest.raises(FailpointReached):
        await make_payments().charge(asked())
    left = await payment_database.fetch("SELECT FROM charges")
    arm("")

    charge = await make_payments().charge(asked())

    assert left == []
    assert charge.status is Status.SUCCESS
    assert len(await payment_database.fetch(LEDGER)) == len(await events()) == 1


async def test_c07_dead_after_the_bank_the_sweeper_stores_the_bank_s_answer(
    make_payments: MakePayments,
    payment_database: PostgresDatabase,
    events: Events,
    arm: Arm,
    expire_leases: ExpireLeases,
) -> None:
    arm("pay.after_bank=raise")
    with pytest.raises(FailpointReached):
        await make_payments().charge(asked())
    left = await make_payments().get(ORDER)
    untold = await events()
    arm("")
    again = await make_payments().charge(asked())  # another delivery leaves it to the sweeper
    await expire_leases()

    await make_payments().sweep(100)

    assert (left.status, again.status, untold) == (Status.PENDING, Status.PENDING, [])
    assert (await make_payments().get(ORDER)).status is Status.SUCCESS
    assert len(await payment_database.fetch(LEDGER)) == len(await events()) == 1


async def test_c08_dead_after_the_commit_the_result_waits_for_the_relay(
    make_payments: MakePayments, events: Events, arm: Arm, expire_leases: ExpireLeases
) -> None:
    arm("pay.after_commit=raise")
    with pytest.raises(FailpointReached):
        await make_payments().charge(asked())
    arm("")
    await expire_leases()

    await make_payments().sweep(100)
    redelivered = await make_payments().charge(asked())

    [event] = await events()
    assert (event["topic"], event["sent_at"]) == ("payment.success", None)
    assert redelivered.status is Status.SUCCESS


async def test_a_sweeper_on_skip_leaves_everything_as_it_is(
    make_payments: MakePayments, arm: Arm, expire_leases: ExpireLeases
) -> None:
    arm("pay.after_bank=raise, sweeper.tick=skip")
    with pytest.raises(FailpointReached):
        await make_payments().charge(asked())
    await expire_leases()

    await make_payments().sweep(100)

    assert (await make_payments().get(ORDER)).status is Status.PENDING
