"""Settling alone and together: fewer commits, the same outcome, and everybody's own error."""

import asyncio
import random
from collections import Counter
from uuid import uuid4

import pytest

from pasar.kit.money import Money
from pasar.store_service.orders.model import (
    AmountMismatch,
    Order,
    OrderId,
    OrderNotFound,
    Status,
    Verdict,
)
from pasar.store_service.payments.model import ChargeState
from tests.store_service.payments.world import World, failure, success

STATEMENTS_OF_A_BATCH = 3  # inbox, locks, settlement


def approval(order: Order) -> Verdict:
    return Verdict(order.id, True, f"pay_{order.id.hex}", order.total_amount, "")


async def test_a_hundred_approvals_at_once_are_one_transaction(world: World) -> None:
    orders = [await world.order() for _ in range(100)]
    before = world.database.statements
    await asyncio.gather(*(world.payments.settle(approval(order), uuid4()) for order in orders))

    assert world.database.statements - before == STATEMENTS_OF_A_BATCH
    assert {await world.status(order) for order in orders} == {(Status.PAID, "success")}


async def test_together_and_one_by_one_come_to_the_same(world: World) -> None:
    """Approved, refused, approved after a cancellation, told twice."""
    together, alone = [[await world.order() for _ in range(20)] for _ in range(2)]
    for orders in (together, alone):
        for order in orders[::4]:
            await world.cancel(order)
    results = {
        id(orders): [
            (failure if number % 4 == 1 else success)(order, f"pay_{order.id.hex}")
            for number, order in enumerate(orders)
            for _ in range(1 + number % 2)
        ]
        for orders in (together, alone)
    }
    await asyncio.gather(*(world.results.handle(each) for each in results[id(together)]))
    for each in results[id(alone)]:
        await world.results.handle(each)
    refunds = await world.rows("SELECT order_id FROM refunds")
    ends = [
        [(await world.status(order), await world.stock(order)) for order in orders]
        for orders in (together, alone)
    ]

    assert ends[0] == ends[1]
    assert {row["order_id"] for row in refunds} == {
        order.id for orders in (together, alone) for order in orders[::4]
    }


async def test_one_bad_result_fails_nobody_else(world: World) -> None:
    orders = [await world.order() for _ in range(20)]
    wrong = Verdict(orders[3].id, True, "pay_x", Money(1), "")
    stray = Verdict(OrderId(uuid4()), True, "pay_y", Money(1), "")
    good = [approval(order) for order in (*orders[:3], *orders[4:])]
    outcomes = await asyncio.gather(
        *(world.payments.settle(each, uuid4()) for each in (*good, wrong, stray)),
        return_exceptions=True,
    )

    assert Counter(map(type, outcomes)) == {type(None): 19, AmountMismatch: 1, OrderNotFound: 1}
    assert len(await world.rows("SELECT FROM inbox")) == 19
    assert await world.status(orders[3]) == (Status.PENDING, "pending")


async def test_h11_a_hundred_payments_of_cancelled_orders_are_a_hundred_refunds(
    world: World,
) -> None:
    orders = [await world.order() for _ in range(100)]
    for order in orders:
        world.decide(order)
        await world.cancel(order)
    await asyncio.gather(
        *(world.results.handle(success(order, f"pay_{order.id.hex}")) for order in orders)
    )
    await world.reconciler.tick()

    assert {await world.status(order) for order in orders} == {(Status.CANCELLED, "refunded")}
    assert sorted(world.charges.refunds.values()) == sorted(order.id for order in orders)


@pytest.mark.parametrize("seed", range(3))
async def test_h11_late_and_shuffled_messages_end_as_the_ordered_ones(
    world: World, seed: int
) -> None:
    """Each is delivered twice, minutes late, while the reconciler asks on its own."""
    draw = random.Random(seed)  # noqa: S311  no secret
    orders = [await world.order() for _ in range(12)]
    steps = []
    for number, order in enumerate(orders):
        refused = number % 3 == 0
        world.decide(order, ChargeState.FAILED if refused else ChargeState.SUCCESS)
        result = (failure if refused else success)(order, f"pay_{order.id.hex}")
        steps += [result, result]
    draw.shuffle(steps)
    for step in steps:
        await world.passes(draw.uniform(0, 50))
        if draw.random() < 0.3:
            await world.reconciler.tick()
        await world.results.handle(step)
    history = await world.rows("SELECT FROM order_status_history")

    refused_end, paid_end = (Status.CANCELLED, "failed"), (Status.PAID, "success")
    assert [await world.status(order) for order in orders] == [
        refused_end if number % 3 == 0 else paid_end for number in range(12)
    ]
    assert len(history) == 2 * len(orders)
