"""The use cases of orders over fakes: who is told what, and when."""

from collections.abc import Mapping
from uuid import uuid4

import pytest

from pasar.kit.ids import TimeOrderedIds
from pasar.kit.money import Money
from pasar.store_service.catalog.model import ProductId
from pasar.store_service.orders.model import (
    AmountMismatch,
    CartIsEmpty,
    NotOrderOwner,
    Order,
    OrderId,
    OrderNotFound,
    Settled,
    Settlement,
    Status,
    Verdict,
)
from pasar.store_service.orders.service import OrderService
from tests.fakes.carts import MemoryCarts, MemoryShop
from tests.fakes.checkouts import MemoryCheckouts
from tests.fakes.orders import MemoryOrders
from tests.fakes.transaction import no_transaction


class World:
    """A shop in memory, which notes what was dropped and how often the relay was woken."""

    def __init__(self) -> None:
        self.shop = MemoryShop()
        self.carts = MemoryCarts(self.shop.wares)
        self.store = MemoryOrders(self.shop.wares)
        self.dropped: list[dict[ProductId, int]] = []
        self.woken = 0
        self.orders = OrderService(
            MemoryCheckouts(self.carts, self.store),
            self.store,
            self.carts,
            self,
            self.wake,
            TimeOrderedIds(),
        )

    async def drop(self, versions: Mapping[ProductId, int]) -> None:
        self.dropped.append(dict(versions))

    def wake(self) -> None:
        self.woken += 1

    async def order(self) -> Order:
        buyer, lamp = await self.shop.buyer(), await self.shop.product(stock=5)
        await self.carts.add(buyer, lamp, 2)
        return await self.orders.checkout(buyer, "Jalan Pasar 1", None)

    async def settle(self, order: Order, *, approved: bool, amount: Money | None = None) -> Settled:
        async with no_transaction() as tx:
            verdict = Verdict(order.id, approved, "pay_1", amount or order.total_amount, "")
            settled = await self.orders.settle(tx, verdict)
        await self.orders.refresh(settled)
        return settled


@pytest.fixture
def world() -> World:
    return World()


async def test_a_checkout_drops_the_copies_and_wakes_the_relay(world: World) -> None:
    order = await world.order()
    (item,) = order.items

    assert world.carts.forgotten == [(order.user_id, 2)]
    assert world.dropped == [{item.product_id: 2}]
    assert world.woken == 1


async def test_a_refused_checkout_tells_nobody(world: World) -> None:
    with pytest.raises(CartIsEmpty):
        await world.orders.checkout(await world.shop.buyer(), "Jalan Pasar 1", None)

    assert (world.carts.forgotten, world.dropped, world.woken) == ([], [], 0)


async def test_a_buyer_sees_the_own_order_only(world: World) -> None:
    order = await world.order()
    stranger = await world.shop.buyer()

    assert await world.orders.get(order.user_id, order.id) == order
    with pytest.raises(NotOrderOwner, match=r"^forbidden$"):
        await world.orders.get(stranger, order.id)
    with pytest.raises(OrderNotFound, match=r"^order not found$"):
        await world.orders.get(stranger, OrderId(uuid4()))


async def test_a_success_pays_and_leaves_the_stock(world: World) -> None:
    order = await world.order()
    settled = await world.settle(order, approved=True)

    assert settled == Settled(Settlement.SETTLED, {})
    assert (await world.store.get(order.id)).status is Status.PAID
    assert await world.shop.stock(order.items[0].product_id) == 3


async def test_a_failure_cancels_and_gives_the_stock_back_once(world: World) -> None:
    order = await world.order()
    lamp = order.items[0].product_id
    settled = [await world.settle(order, approved=False) for _ in range(2)]

    assert settled == [Settled(Settlement.SETTLED, {lamp: 3}), Settled(Settlement.LATE, {})]
    assert (await world.store.get(order.id)).status is Status.CANCELLED
    assert await world.shop.stock(lamp) == 5
    assert world.dropped[1] == {lamp: 3}


async def test_a_cancelled_order_stays_cancelled_when_payment_arrives(world: World) -> None:
    order = await world.order()
    world.store.cancel(order.id)
    settled = await world.settle(order, approved=True)
    after = await world.store.get(order.id)

    assert settled.settlement is Settlement.LATE
    assert after.status is Status.CANCELLED
    assert after.payment
    assert after.payment.status == "success"


async def test_a_refusal_of_a_paid_order_changes_nothing(world: World) -> None:
    order = await world.order()
    await world.settle(order, approved=True)
    paid = await world.store.get(order.id)
    settled = await world.settle(order, approved=False)

    assert settled.settlement is Settlement.CONTRADICTED
    assert await world.store.get(order.id) == paid


async def test_another_amount_settles_nothing(world: World) -> None:
    order = await world.order()
    with pytest.raises(AmountMismatch):
        await world.settle(order, approved=True, amount=Money(1))

    assert await world.store.get(order.id) == order
