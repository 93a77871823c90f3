"""What got lost is found: orders settle and refunds are made although nobody told the store."""

import asyncio

import pytest

from pasar.kit.errors import Unavailable
from pasar.kit.money import Money
from pasar.store_service.orders.model import Order, Status
from pasar.store_service.payments.model import ChargeState
from tests.store_service.payments.world import World, failure, success

ENDS = {
    ChargeState.SUCCESS: (Status.PAID, "success", 8, None),
    ChargeState.FAILED: (Status.CANCELLED, "failed", 10, "payment_failed"),
    ChargeState.VOIDED: (Status.CANCELLED, "failed", 10, "payment_timeout"),
}


async def end(world: World, order: Order) -> tuple[Status, str, int, str | None]:
    [row] = await world.rows("SELECT cancel_reason FROM orders WHERE id = $1", order.id)
    return (*await world.status(order), await world.stock(order), row["cancel_reason"])


@pytest.mark.parametrize("state", ENDS)
async def test_c08_a_result_that_was_lost_is_asked_for_at_ten_seconds(
    world: World, state: ChargeState
) -> None:
    order = await world.order()
    world.decide(order, state)
    await world.passes(9)
    await world.reconciler.tick()
    before = await world.status(order)
    await world.passes(1)
    await world.reconciler.tick()

    assert before == (Status.PENDING, "pending")
    assert await end(world, order) == ENDS[state]


async def test_h09_a_pending_order_is_told_again_and_then_asked_about(world: World) -> None:
    """The broker took the event, and forgot it."""
    order = await world.order()
    await world.rows("UPDATE outbox SET sent_at = now()")
    await world.passes(5)
    await world.reconciler.tick()
    told_again = await world.rows("SELECT FROM outbox WHERE sent_at IS NULL")
    await world.passes(5)
    await world.reconciler.tick()

    assert len(told_again) == 1
    assert world.charges.asked == [order.id]


async def test_c08_the_result_that_comes_after_all_changes_nothing(world: World) -> None:
    paid, declined = await world.order(), await world.order()
    world.decide(paid)
    world.decide(declined, ChargeState.FAILED)
    await world.passes(10)
    await world.reconciler.tick()
    await world.results.handle(success(paid, "pay_1"))
    await world.results.handle(failure(declined, "pay_2"))
    history = await world.rows("SELECT FROM order_status_history")

    assert await end(world, paid) == ENDS[ChargeState.SUCCESS]
    assert await end(world, declined) == ENDS[ChargeState.FAILED]
    assert len(history) == 4


async def test_what_is_undecided_stays_pending(world: World) -> None:
    unknown, pending = await world.order(), await world.order()
    world.decide(pending, ChargeState.PENDING)
    await world.passes(10)
    await world.reconciler.tick()

    assert {*world.charges.asked} == {unknown.id, pending.id}
    assert await world.status(unknown) == await world.status(pending) == (Status.PENDING, "pending")


async def test_h15_an_order_never_paid_is_called_off_and_its_stock_comes_back(world: World) -> None:
    order = await world.order()
    await world.passes(900)
    await world.reconciler.tick()

    assert await end(world, order) == ENDS[ChargeState.VOIDED]


@pytest.mark.parametrize("state", [ChargeState.SUCCESS, ChargeState.FAILED])
async def test_h15_only_the_answer_decides_an_overdue_order(
    world: World, state: ChargeState
) -> None:
    order = await world.order()
    world.decide(order, state)
    await world.passes(900)
    await world.reconciler.tick()

    assert await end(world, order) == ENDS[state]


async def test_h15_while_the_payment_service_is_away_no_order_is_cancelled(world: World) -> None:
    """Charged just before it left: cancelled on a guess, its money would be gone."""
    charged, not_charged = await world.order(), await world.order()
    world.decide(charged)
    world.charges.away = True
    for _ in range(20):
        await world.passes(60)
        await world.reconciler.tick()
    away = [await world.status(order) for order in (charged, not_charged)]
    world.charges.away = False
    await world.passes(6)
    await world.reconciler.tick()

    assert away == [(Status.PENDING, "pending")] * 2
    assert await end(world, charged) == ENDS[ChargeState.SUCCESS]
    assert await end(world, not_charged) == ENDS[ChargeState.VOIDED]


async def test_c11_a_charge_in_progress_is_asked_again_after_two_seconds(world: World) -> None:
    order = await world.order()
    world.decide(order, ChargeState.PENDING)
    await world.cancel(order)
    await world.reconciler.tick()
    await world.passes(1.5)
    await world.reconciler.tick()
    asked = len(world.charges.asked)
    world.decide(order)
    await world.passes(1)
    await world.reconciler.tick()

    assert asked == 1
    assert await world.status(order) == (Status.CANCELLED, "refunded")


async def test_c11_called_off_before_the_charge_nothing_is_owed(world: World) -> None:
    order = await world.order()
    await world.cancel(order)
    await world.reconciler.tick()

    assert world.charges.charges[order.id].state is ChargeState.VOIDED
    assert await end(world, order) == (Status.CANCELLED, "failed", 10, "buyer")
    assert await world.rows("SELECT FROM refunds") == []


async def test_h17_a_cancelled_paid_order_gets_its_money_back(world: World) -> None:
    order = await world.order()
    world.decide(order)
    await world.results.handle(success(order))
    await world.cancel(order)
    await world.reconciler.tick()
    await world.reconciler.tick()

    assert await world.status(order) == (Status.CANCELLED, "refunded")
    assert list(world.charges.refunds.values()) == [order.id]


async def test_c10_a_refund_whose_answer_was_lost_is_made_again_under_the_same_id(
    world: World,
) -> None:
    """The bank has paid; the payment service died before it could say so."""
    order = await world.order()
    world.decide(order)
    await world.results.handle(success(order))
    await world.cancel(order)
    [due] = await world.dues.claim_refunds(100)
    await world.charges.refund(due)
    world.charges.away = True
    await world.passes(60)
    await world.reconciler.tick()
    before = await world.status(order)
    world.charges.away = False
    await world.passes(60)
    await world.reconciler.tick()

    assert before == (Status.CANCELLED, "success")
    assert await world.status(order) == (Status.CANCELLED, "refunded")
    assert list(world.charges.refunds) == [due.id]


async def test_a_refused_refund_is_not_hammered_at(world: World) -> None:
    order = await world.order()
    world.decide(order)
    await world.results.handle(success(order))
    await world.cancel(order)
    world.charges.decide(order.id, ChargeState.SUCCESS, Money(1))
    world.charges.asked.clear()
    for _ in range(10):
        await world.reconciler.tick()
        await world.passes(60)

    assert world.charges.asked == [order.id]
    assert len(await world.rows("SELECT FROM dead_letters")) == 1
    assert await world.status(order) == (Status.CANCELLED, "success")


async def test_what_is_asked_called_off_and_paid_back_bears_the_request_that_ordered(
    world: World,
) -> None:
    asked = await world.order(request_id="req-asked")
    called_off = await world.order(request_id="req-called-off")
    paid = await world.order(request_id="req-paid-back")
    for order in asked, paid:
        world.decide(order)
    await world.results.handle(success(paid))
    for order in called_off, paid:
        await world.cancel(order)
    await world.passes(10)
    await world.reconciler.tick()
    bears = dict(zip(world.charges.asked, world.charges.request_ids, strict=True))
    [settled] = await world.rows(
        "SELECT request_id FROM order_status_history WHERE order_id = $1 AND to_status = 'paid'",
        asked.id,
    )

    assert bears == {
        asked.id: "req-asked",
        called_off.id: "req-called-off",
        paid.id: "req-paid-back",
    }
    assert settled["request_id"] == "req-asked"


async def test_h34_an_order_of_the_earlier_service_has_no_request_and_is_settled_without_one(
    world: World,
) -> None:
    order = await world.order()
    world.decide(order)
    await world.rows("UPDATE orders SET adopted = true")
    await world.rows("DELETE FROM order_status_history")
    await world.passes(10)
    await world.reconciler.tick()

    assert await world.status(order) == (Status.PAID, "success")
    assert world.charges.request_ids == [""]


async def test_h34_orders_of_the_earlier_service_that_were_never_paid_are_called_off(
    world: World,
) -> None:
    order = await world.order()
    await world.rows("UPDATE orders SET adopted = true")
    await world.rows("UPDATE payments SET void_wanted = true")
    await world.reconciler.tick()

    assert await end(world, order) == ENDS[ChargeState.VOIDED]


async def test_a_charge_of_another_amount_changes_nothing(world: World) -> None:
    wrong, right = await world.order(), await world.order()
    world.charges.decide(wrong.id, ChargeState.SUCCESS, Money(1))
    world.decide(right)
    await world.passes(10)
    await world.reconciler.tick()

    assert await world.status(wrong) == (Status.PENDING, "pending")
    assert await world.status(right) == (Status.PAID, "success")


async def test_one_order_that_cannot_be_settled_does_not_hold_up_the_others(world: World) -> None:
    stuck, fine = await world.order(), await world.order()
    world.decide(stuck, ChargeState.FAILED)
    world.decide(fine)
    await world.rows("ALTER TABLE stock_ledger ADD CONSTRAINT a_fault CHECK (kind <> 'restock')")
    await world.passes(10)
    await world.reconciler.tick()

    assert await world.status(stuck) == (Status.PENDING, "pending")
    assert await world.status(fine) == (Status.PAID, "success")


async def test_a_backlog_is_worked_off_in_one_tick(world: World) -> None:
    orders = [await world.order() for _ in range(201)]
    for order in orders:
        world.decide(order)
    await world.passes(10)
    await world.reconciler.tick()

    assert {await world.status(order) for order in orders} == {(Status.PAID, "success")}


async def test_two_reconcilers_at_once_settle_each_order_once(world: World) -> None:
    orders = [await world.order() for _ in range(20)]
    for number, order in enumerate(orders):
        world.decide(order, ChargeState.FAILED if number % 2 else ChargeState.SUCCESS)
    await world.passes(10)
    await asyncio.gather(*(world.reconciler.tick() for _ in range(4)))

    assert len(world.charges.asked) == len(orders)
    assert {await world.stock(order) for order in orders} == {8, 10}


async def test_without_a_database_the_tick_is_for_another_time(world: World) -> None:
    await world.database.close()
    with pytest.raises(Unavailable):
        await world.reconciler.tick()
