"""Checkout, charge, settlement and refund over both services, with parts lost on the way."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial

import pytest

from pasar.contracts.events import ORDER_CREATED, PAYMENT_FAILED, PAYMENT_SUCCESS
from pasar.kit import failpoints
from pasar.kit.broker.port import Message
from pasar.kit.postgres import PostgresDatabase
from pasar.kit.settings import Duration
from pasar.store_service.orders.model import Order, Status
from pasar.store_service.payments.postgres import Patience
from tests.fakes.broker import MemoryBroker
from tests.store_service.payments.saga import Saga, saga_of
from tests.store_service.payments.world import success
from tests.waiting import eventually

PAID = (Status.PAID, "success")
PENDING = (Status.PENDING, "pending")
CALLED_OFF = (Status.CANCELLED, "failed")
REFUNDED = (Status.CANCELLED, "refunded")

Sagas = Callable[..., AbstractAsyncContextManager[Saga]]


@pytest.fixture
def sagas(
    owner: PostgresDatabase, database: PostgresDatabase, payment_database: PostgresDatabase
) -> Sagas:
    return partial(saga_of, owner, database, payment_database)


@pytest.fixture
async def saga(sagas: Sagas) -> AsyncIterator[Saga]:
    async with sagas() as saga:
        yield saga
        assert await saga.world.shop.broken_books() == []


def arm(text: str) -> None:
    failpoints.arm(text, app_env="test")


async def ordered(saga: Saga, count: int) -> list[Order]:
    """So many orders of 20 each."""
    return [await saga.world.order() for _ in range(count)]


async def test_c04_an_event_sent_twice_is_charged_once(saga: Saga) -> None:
    """Killed between the broker's yes and `sent_at`; the reconciler may not help."""
    arm("relay.after_pub=raise,reconciler.tick=skip")
    async with saga.worker() as dying:
        orders = await ordered(saga, 3)
        await asyncio.wait([dying])
    assert dying.exception()
    arm("reconciler.tick=skip")
    async with saga.running():
        await saga.reached(orders, PAID)

    assert (await saga.flows()).charges == 3


async def test_h09_c05_a_broker_that_forgets_everything_is_told_again(saga: Saga) -> None:
    async with saga.worker():
        orders = await ordered(saga, 10)
        channel = saga.queues.channel(ORDER_CREATED, "payment-service")
        await eventually(lambda: channel.ready.qsize() >= 10)
        assert saga.lose() >= 10
        async with saga.payment():
            await saga.reached(orders, PAID)

    assert (await saga.flows()).charges == 10


async def test_h09_without_a_second_telling_it_would_stay_pending(saga: Saga) -> None:
    """The question alone cannot help: nobody over there has heard of the order."""
    arm("reconciler.tick=skip")
    async with saga.worker():
        orders = await ordered(saga, 1)
        channel = saga.queues.channel(ORDER_CREATED, "payment-service")
        await eventually(lambda: channel.ready.qsize() >= 1)
        saga.lose()
        async with saga.payment():
            await saga.world.passes(10)
            assert [await saga.world.status(order) for order in orders] == [PENDING]
            arm("")
            await saga.reached(orders, PAID)


async def test_c06_killed_before_its_commit_a_settlement_is_made_at_redelivery(saga: Saga) -> None:
    arm("settle.before_commit=raise,reconciler.tick=skip")
    async with saga.running():
        [order] = await ordered(saga, 1)
        channel = saga.queues.channel(PAYMENT_SUCCESS, "store-service")
        await eventually(lambda: bool(channel.deferred))
        undone = await saga.world.status(order), await saga.world.rows("SELECT FROM inbox")
        arm("reconciler.tick=skip")
        await saga.reached([order], PAID)

    assert undone == (PENDING, [])


async def test_c09_killed_after_its_commit_a_settlement_is_not_repeated(saga: Saga) -> None:
    arm("settle.after_commit=raise,reconciler.tick=skip")
    async with saga.running():
        [order] = await ordered(saga, 1)
        channel = saga.queues.channel(PAYMENT_SUCCESS, "store-service")
        await eventually(lambda: bool(channel.deferred))
        settled = await saga.world.status(order)
        arm("reconciler.tick=skip")
        await eventually(lambda: not channel.deferred and not channel.in_flight)

    assert settled == PAID
    assert saga.dead_letters.rows == []
    assert len(await saga.world.rows("SELECT FROM order_status_history")) == 2


async def test_c08_a_lost_result_is_asked_for(saga: Saga) -> None:
    """The broker loses results only, and keeps losing them."""

    async def lost(_message: Message) -> None:
        """It never reaches the store."""

    async with saga.payment(), saga.worker(results=lost):
        orders = await ordered(saga, 5)
        await saga.reached(orders, PAID)

    assert (await saga.flows()).charges == 5
    assert await saga.world.rows("SELECT FROM inbox") == []


async def test_c10_killed_after_the_bank_a_refund_is_made_once(saga: Saga) -> None:
    async with saga.running():
        orders = await ordered(saga, 3)
        await saga.reached(orders, PAID)
        arm("refund.after_bank=raise")
        for order in orders:
            await saga.world.cancel(order)
        await eventually(lambda: _tried_twice(saga, 3))
        arm("")
        await saga.reached(orders, REFUNDED)
    flows = await saga.flows()

    assert (flows.refunds, flows.refunded) == (3, flows.charged)


async def _tried_twice(saga: Saga, count: int) -> bool:
    """Whether so many have certainly died once: their second try is under way."""
    [row] = await saga.world.rows("SELECT count(*) AS n FROM refunds WHERE attempts > 1")
    return int(row["n"]) == count


async def test_c11_whichever_comes_first_no_cancelled_order_keeps_its_money(sagas: Sagas) -> None:
    """Cancelled before, while and after the bank is at it."""
    async with sagas(payment_delay_max=Duration(0.6)) as saga:
        async with saga.running():
            orders = await ordered(saga, 20)
            for order in orders:
                await saga.world.cancel(order)
                await asyncio.sleep(0.03)
            await saga.reached(orders, CALLED_OFF, REFUNDED)
        flows = await saga.flows()

    assert flows.charges == flows.refunds
    assert flows.charged == flows.refunded


async def test_c11_an_order_called_off_is_never_charged_by_a_late_event(saga: Saga) -> None:
    orders = await ordered(saga, 3)
    async with saga.payment():
        for order in orders:
            await saga.world.cancel(order)
        await saga.world.reconciler.tick()
        assert [await saga.world.status(order) for order in orders] == [CALLED_OFF] * 3
        async with saga.worker():
            channel = saga.queues.channel(ORDER_CREATED, "payment-service")
            unsent = "SELECT FROM outbox WHERE sent_at IS NULL"
            await eventually(lambda: _none(saga, unsent))
            await eventually(lambda: channel.ready.empty() and not channel.in_flight)

    assert (await saga.flows()).charges == 0


async def _none(saga: Saga, sql: str) -> bool:
    return not await saga.world.rows(sql)


async def test_h13_a_success_published_by_hand_for_a_charge_held_back(sagas: Sagas) -> None:
    async with sagas(payment_delay_min=Duration(60), payment_delay_max=Duration(60)) as saga:
        broker = MemoryBroker(queues=saga.queues)
        async with saga.running():
            [order] = await ordered(saga, 1)
            await eventually(lambda: _some(saga, "SELECT FROM payment.charges"))
            await broker.publish(PAYMENT_SUCCESS, success(order, key="").body)
            await eventually(lambda: bool(saga.dead_letters.rows))
            status = await saga.world.status(order)
            await saga.world.rows("UPDATE payment.charges SET status = 'failed'")
        await broker.close()

    assert status == PENDING
    assert [row[2] for row in saga.dead_letters.rows] == ["forged"]


async def _some(saga: Saga, sql: str) -> bool:
    return bool(await saga.world.rows(sql))


async def test_h14_a_hundred_declines_give_all_stock_back(sagas: Sagas) -> None:
    async with sagas(payment_success_rate=0.0) as saga:
        async with saga.running():
            orders = await ordered(saga, 100)
            await saga.reached(orders, CALLED_OFF)
        stocks = {await saga.world.stock(order) for order in orders}

        assert stocks == {10}
        assert (await saga.flows()).charges == 0
        assert await saga.world.shop.broken_books() == []


async def test_h15_after_a_long_absence_nobody_is_cancelled_but_charged(sagas: Sagas) -> None:
    """Some were charged, and their results lost, before the payment service went away."""
    overdue = Patience(resend_after_s=0.25, payment_timeout_s=1, refund_backoff_max_s=1)
    async with sagas(patience=overdue) as saga:
        async with saga.worker() as _:
            arm("relay.tick=skip,reconciler.tick=skip")
            charged, never = await ordered(saga, 5), await ordered(saga, 5)
            for order in charged:
                await saga.payment_database.execute(CHARGED, str(order.id), f"pay_{order.id.hex}")
            await saga.world.passes(5)
            arm("relay.tick=skip")
            await asyncio.sleep(0.3)
            away = {await saga.world.status(order) for order in (*charged, *never)}
            async with saga.payment():
                await saga.world.passes(6)
                await saga.reached(charged, PAID)
                await saga.reached(never, CALLED_OFF)
        reasons = await saga.world.rows("SELECT DISTINCT cancel_reason FROM orders")

    assert away == {PENDING}
    assert {row["cancel_reason"] for row in reasons} == {None, "payment_timeout"}


CHARGED = """
INSERT INTO charges (order_id, payment_id, method, amount, currency, status, next_at)
VALUES ($1, $2, 'mock', 20, 'IDR', 'success', now())
"""


async def test_h17_fifty_cancelled_orders_are_refunded_once_each(saga: Saga) -> None:
    """One in three refunds dies after the bank paid."""
    async with saga.running():
        orders = await ordered(saga, 50)
        await saga.reached(orders, PAID)
        arm("refund.after_bank=raise:1/3")
        for order in orders:
            await saga.world.cancel(order)
        await saga.reached(orders, REFUNDED)
    flows = await saga.flows()

    assert (flows.charges, flows.refunds) == (50, 50)
    assert flows.charged == flows.refunded == 1000


async def test_h18_cancels_that_race_payments_leave_orders_paid_or_refunded(sagas: Sagas) -> None:
    async with sagas(payment_delay_max=Duration(0.2)) as saga:
        async with saga.running():
            orders = await ordered(saga, 30)
            await asyncio.gather(*(saga.world.cancel(order) for order in orders[::2]))
            await saga.reached(orders[::2], CALLED_OFF, REFUNDED)
            await saga.reached(orders[1::2], PAID)
        flows = await saga.flows()

        assert flows.charged - flows.refunded == 15 * 20
        assert {await saga.world.stock(order) for order in orders[::2]} == {10}
        assert await saga.world.shop.broken_books() == []


async def test_every_message_lost_on_both_ways_changes_nothing_in_the_end(saga: Saga) -> None:
    async with saga.running():
        orders = await ordered(saga, 10)
        for _ in range(5):
            saga.lose(ORDER_CREATED, PAYMENT_SUCCESS, PAYMENT_FAILED)
            await asyncio.sleep(0.05)
        await saga.reached(orders, PAID)

    assert (await saga.flows()).charges == 10
