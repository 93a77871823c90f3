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
    NotSellersOrder,
    NotTheNextStep,
    NotYetOrNoLonger,
    Order,
    OrderId,
    OrderNotFound,
    SellerWithoutStore,
    Settled,
    Settlement,
    Status,
    TooLateToCancel,
    Verdict,
)
from pasar.store_service.orders.service import OrderService, SellerOrderService
from tests.fakes.carts import MemoryCarts, MemoryShop
from tests.fakes.checkouts import MemoryCheckouts
from tests.fakes.orders import MemoryOrders
from tests.fakes.transaction import NoDatabase, no_transaction


class World:
    """A shop in memory, which notes what was dropped and how often the relay was woken."""

    def __init__(self) -> None:
        self.shop = MemoryShop()
        self.carts = MemoryCarts(self.shop.wares)
        self.store = MemoryOrders(self.shop)
        self.dropped: list[dict[ProductId, int]] = []
        self.woken = 0
        self.orders = OrderService(
            NoDatabase(),
            MemoryCheckouts(self.carts, self.store),
            self.store,
            self.store,
            self.carts,
            self,
            self.wake,
            TimeOrderedIds(),
        )
        self.sellers = SellerOrderService(NoDatabase(), self.store, self.store, self.shop.stores)

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
            [settled] = await self.orders.settle(tx, [verdict])
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
    await world.orders.cancel(order.user_id, order.id)
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


async def test_a_cancel_gives_the_stock_back_and_drops_the_copies(world: World) -> None:
    order = await world.order()
    lamp = order.items[0].product_id
    await world.orders.cancel(order.user_id, order.id)

    assert (await world.store.get(order.id)).status is Status.CANCELLED
    assert await world.shop.stock(lamp) == 5
    assert world.dropped[1:] == [{lamp: 3}]


async def test_c03_a_second_cancel_is_told_the_status(world: World) -> None:
    order = await world.order()
    await world.orders.cancel(order.user_id, order.id)
    with pytest.raises(TooLateToCancel, match=r"^cannot cancel order with status cancelled$"):
        await world.orders.cancel(order.user_id, order.id)

    assert await world.shop.stock(order.items[0].product_id) == 5


async def test_c08_only_the_buyer_cancels(world: World) -> None:
    order = await world.order()
    await world.orders.cancel(order.user_id, order.id)
    with pytest.raises(NotOrderOwner, match=r"^forbidden$"):
        await world.orders.cancel(await world.shop.buyer(), order.id)
    with pytest.raises(OrderNotFound):
        await world.orders.cancel(order.user_id, OrderId(uuid4()))


async def test_d27_a_refused_cancel_names_the_part_that_is_furthest_ahead(world: World) -> None:
    buyer, there = await world.shop.buyer(), await world.shop.store()
    lamp, rug = await world.shop.product(), await world.shop.product(store=there)
    for product in (lamp, rug):
        await world.carts.add(buyer, product, 1)
    order = await world.orders.checkout(buyer, "Jalan Pasar 1", None)
    await world.settle(order, approved=True)
    seller = await world.shop.seller(there)
    for wanted in ("processing", "shipping"):
        await world.sellers.move(seller, order.id, wanted)

    assert (await world.store.get(order.id)).status is Status.PAID
    with pytest.raises(TooLateToCancel, match=r"status shipping$"):
        await world.orders.cancel(buyer, order.id)


async def test_a_move_is_refused_in_the_order_of_the_contract(world: World) -> None:
    order = await world.order()
    (own,) = world.shop.stores.by_seller
    foreign = await world.shop.seller(await world.shop.store())
    nobody = await world.shop.buyer()

    with pytest.raises(OrderNotFound):
        await world.sellers.move(nobody, OrderId(uuid4()), "nonsense")
    with pytest.raises(SellerWithoutStore, match=r"^store not found$"):
        await world.sellers.move(nobody, order.id, "nonsense")
    with pytest.raises(NotSellersOrder, match=r"^forbidden: no items from your store in this ord"):
        await world.sellers.move(foreign, order.id, "nonsense")
    with pytest.raises(NotYetOrNoLonger, match=r"^cannot transition from status pending$"):
        await world.sellers.move(own, order.id, "nonsense")
    await world.settle(order, approved=True)
    with pytest.raises(NotTheNextStep, match=r"^invalid status transition from paid to nonsense$"):
        await world.sellers.move(own, order.id, "nonsense")
    await world.sellers.move(own, order.id, "processing")

    assert (await world.store.get(order.id)).status is Status.PROCESSING
