"""Payment results as they come from the broker: genuine, forged, garbled, twice and too late."""

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from pasar.contracts.events import PAYMENT_SUCCESS
from pasar.kit.broker.port import Message, Reject
from pasar.kit.errors import Unavailable
from pasar.kit.money import Money
from pasar.kit.postgres import PostgresDatabase
from pasar.store_service.orders.model import OrderId, OrderNotFound, Status
from pasar.store_service.payments.consumer import PaymentResults
from pasar.store_service.payments.model import ChargeState
from tests.store_service.payments.world import KEY, World, failure, message, success


async def test_a_success_pays_the_order(world: World, database: PostgresDatabase) -> None:
    order = await world.order()
    await world.results.handle(success(order))
    payment = await database.fetch_one("SELECT payment_ref, reason, paid_at FROM payments")
    request = await database.fetch_one(
        "SELECT request_id FROM order_status_history WHERE to_status = 'paid'"
    )

    assert await world.status(order) == (Status.PAID, "success")
    assert payment
    assert (payment["payment_ref"], payment["reason"]) == ("pay_1", None)
    assert request == {"request_id": "req-7"}
    assert await world.stock(order) == 8


async def test_h14_a_decline_cancels_the_order_and_gives_the_stock_back(
    world: World, database: PostgresDatabase
) -> None:
    order = await world.order()
    await world.results.handle(failure(order))
    row = await database.fetch_one(
        "SELECT cancel_reason, reason, paid_at FROM orders o JOIN payments p ON p.order_id = o.id"
    )

    assert await world.status(order) == (Status.CANCELLED, "failed")
    assert row == {
        "cancel_reason": "payment_failed",
        "reason": "payment declined",
        "paid_at": None,
    }
    assert await world.stock(order) == 10


async def test_h10_five_copies_at_once_count_once(world: World, database: PostgresDatabase) -> None:
    paid, declined = await world.order(), await world.order()
    await asyncio.gather(
        *(world.results.handle(success(paid, "pay_1")) for _ in range(5)),
        *(world.results.handle(failure(declined, "pay_2")) for _ in range(5)),
    )
    steps = await database.fetch("SELECT order_id, to_status FROM order_status_history")

    assert await world.status(paid) == (Status.PAID, "success")
    assert await world.status(declined) == (Status.CANCELLED, "failed")
    assert (await world.stock(paid), await world.stock(declined)) == (8, 10)
    assert len(steps) == 4
    assert len(await database.fetch("SELECT FROM inbox")) == 2


async def test_h11_contradicting_results_at_once_end_in_one_of_them(world: World) -> None:
    """Without the inbox's help: they are different messages, and only the old state decides."""
    order = await world.order()
    await asyncio.gather(
        *(world.results.handle(success(order, f"pay_{n}")) for n in range(3)),
        *(world.results.handle(failure(order, f"pay_{n + 3}")) for n in range(3)),
    )
    outcome = (*await world.status(order), await world.stock(order))

    assert outcome in {(Status.PAID, "success", 8), (Status.CANCELLED, "failed", 10)}


async def test_h11_a_late_success_is_recorded_and_the_order_stays_cancelled(world: World) -> None:
    order = await world.order()
    await world.orders.cancel(order.user_id, order.id)
    await world.results.handle(success(order))

    assert await world.status(order) == (Status.CANCELLED, "success")
    assert await world.stock(order) == 10


async def test_h18_a_cancel_and_a_payment_at_once_end_in_a_cancelled_order(world: World) -> None:
    """Whichever is first, the buyer may cancel; the money's way back is the payment's story."""
    for result in (success, failure):
        for _ in range(10):
            order = await world.order()
            await asyncio.gather(
                world.orders.cancel(order.user_id, order.id),
                world.results.handle(result(order, f"pay_{order.id}")),
                return_exceptions=True,
            )
            status, payment = await world.status(order)

            assert (status, await world.stock(order)) == (Status.CANCELLED, 10)
            assert payment == ("success" if result is success else "failed")


@pytest.mark.parametrize("key", ["", "another key of thirty-two bytes.."])
async def test_h13_a_result_nobody_vouches_for_is_a_dead_letter(world: World, key: str) -> None:
    """Whether the charge is held back, decided otherwise, or not there at all."""
    order = await world.order()
    for state in (None, ChargeState.PENDING, ChargeState.FAILED, ChargeState.VOIDED):
        if state:
            world.decide(order, state)
        with pytest.raises(Reject, match="forged"):
            await world.results.handle(success(order, key=key))

    assert await world.status(order) == (Status.PENDING, "pending")


async def test_h13_a_refusal_sealed_for_one_topic_is_no_approval(world: World) -> None:
    order = await world.order()
    declined = failure(order)
    with pytest.raises(Reject):
        await world.results.handle(
            Message("m", PAYMENT_SUCCESS, declined.body, 1, datetime.now(UTC))
        )

    assert await world.status(order) == (Status.PENDING, "pending")


@pytest.mark.parametrize("keys", [[], ["", ""], [KEY]])
async def test_h13_an_unsigned_result_counts_once_the_payment_service_confirms_it(
    world: World, keys: list[str]
) -> None:
    results = PaymentResults(world.payments, world.charges, keys)
    paid, declined = await world.order(), await world.order()
    world.decide(paid)
    world.decide(declined, ChargeState.FAILED)
    for order, told in ((paid, success(paid, key="")), (declined, failure(declined, key=""))):
        await results.handle(told)
        await results.handle(told)
        assert order.id in world.charges.asked

    assert await world.status(paid) == (Status.PAID, "success")
    assert await world.status(declined) == (Status.CANCELLED, "failed")


async def test_h13_nobody_is_asked_about_a_signed_result(world: World) -> None:
    order = await world.order()
    world.charges.away = True
    await world.results.handle(success(order))

    assert await world.status(order) == (Status.PAID, "success")


async def test_h13_an_unsigned_result_waits_for_the_payment_service(world: World) -> None:
    """Unavailable: the broker brings it again, for as long as it takes."""
    order = await world.order()
    world.charges.away = True
    with pytest.raises(Unavailable):
        await world.results.handle(success(order, key=""))

    assert await world.status(order) == (Status.PENDING, "pending")


async def test_a_result_under_the_previous_key_is_genuine(world: World) -> None:
    order = await world.order()
    results = PaymentResults(
        world.payments, world.charges, ["a new key of thirty-two bytes!!!", KEY]
    )
    await results.handle(success(order))

    assert await world.status(order) == (Status.PAID, "success")
    assert world.charges.asked == []


async def test_a_result_about_another_amount_is_rejected_and_leaves_no_trace(world: World) -> None:
    """Not even in the inbox: the true result may bear the same name."""
    order = await world.order()
    wrong = message(PAYMENT_SUCCESS, order.id, amount=order.total_amount + Money(1))
    with pytest.raises(Reject, match="amount_mismatch"):
        await world.results.handle(wrong)
    await world.results.handle(success(order))

    assert await world.status(order) == (Status.PAID, "success")


async def test_h12_garbage_is_rejected(world: World) -> None:
    unsigned = PaymentResults(world.payments, world.charges, [])
    for body in (b"", b"{", b"[]", b"null", b'{"order_id":"1"}', b"\xff"):
        for results in (world.results, unsigned):
            with pytest.raises(Reject):
                await results.handle(Message("m", PAYMENT_SUCCESS, body, 1, datetime.now(UTC)))


async def test_an_unknown_order_is_neither_rejected_nor_taken_in(
    world: World, database: PostgresDatabase
) -> None:
    """It may be on its way: the broker tries again a few times."""
    stray = message(PAYMENT_SUCCESS, OrderId(uuid4()), amount=Money(1))
    with pytest.raises(OrderNotFound):
        await world.results.handle(stray)

    assert await database.fetch("SELECT FROM inbox") == []
