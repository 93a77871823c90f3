"""The nightly comparison: what both services wrote down differently is counted, partly mended."""

import pytest

from pasar.kit.errors import Unavailable
from pasar.kit.money import Money
from pasar.store_service.orders.model import OrderId, Status
from pasar.store_service.payments.comparison import Comparer
from pasar.store_service.payments.model import Charge, ChargeState, Comparison, Difference
from tests.fakes.charges import MemoryCharges
from tests.store_service.payments.world import World, success


async def test_books_that_agree_are_paged_through_to_the_end(world: World) -> None:
    charges = MemoryCharges(page_size=2)
    for _ in range(5):
        order = await world.order()
        charges.decide(order.id, ChargeState.SUCCESS, order.total_amount)
        await world.results.handle(success(order, f"pay_{order.id.hex}"))
    comparer = Comparer(world.payments, world.dues, charges)

    assert await comparer.compare() == Comparison(5, {})


async def test_what_the_store_never_heard_of_is_settled(world: World) -> None:
    paid, declined, young = [await world.order() for _ in range(3)]
    world.decide(paid)
    world.decide(declined, ChargeState.FAILED)
    await world.passes(61)
    world.decide(young)
    await world.rows("UPDATE payments SET created_at = now() WHERE order_id = $1", young.id)
    first, second = await world.comparer.compare(), await world.comparer.compare()

    assert first == Comparison(3, {Difference.UNSETTLED: 2})
    assert second == Comparison(3, {})
    assert await world.status(paid) == (Status.PAID, "success")
    assert await world.status(declined) == (Status.CANCELLED, "failed")
    assert await world.status(young) == (Status.PENDING, "pending")


async def test_what_a_person_must_look_at_is_counted_and_left_alone(world: World) -> None:
    order = await world.order()
    world.charges.decide(order.id, ChargeState.SUCCESS, Money(1))
    stranger = OrderId(order.user_id)  # some id that is no order's
    world.charges.charges[stranger] = Charge(ChargeState.SUCCESS, "pay_x", Money(1))
    await world.passes(61)

    assert await world.comparer.compare() == Comparison(
        2, {Difference.AMOUNT: 1, Difference.UNKNOWN_ORDER: 1}
    )
    assert await world.status(order) == (Status.PENDING, "pending")


async def test_without_the_payment_service_there_is_nothing_to_compare(world: World) -> None:
    world.charges.away = True
    with pytest.raises(Unavailable):
        await world.comparer.compare()
