"""What checkout and orders promise, in memory and in PostgreSQL."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol
from uuid import uuid4

import msgspec
import pytest

from pasar.kit.database import Database, Tx
from pasar.kit.ids import TimeOrderedIds
from pasar.kit.money import Money, parse_money
from pasar.kit.postgres import PostgresDatabase
from pasar.store_service.cart.postgres import PostgresCarts
from pasar.store_service.cart.repository import Carts
from pasar.store_service.catalog.model import ProductId
from pasar.store_service.identity import UserId
from pasar.store_service.orders.combining import CombiningReads
from pasar.store_service.orders.model import (
    CartIsEmpty,
    Order,
    OrderId,
    OrderNotFound,
    OrderTotalTooLarge,
    OutOfStock,
    Placed,
    ProductGone,
    SellerWithoutStore,
    Status,
    TotalChanged,
    Verdict,
    Wish,
)
from pasar.store_service.orders.postgres import PostgresCheckouts
from pasar.store_service.orders.postgres_orders import PostgresOrders
from pasar.store_service.orders.postgres_reads import PostgresOrderReads
from pasar.store_service.orders.repository import Checkouts, OrderReads, Orders
from pasar.store_service.orders.rules import accepted, step
from pasar.store_service.stores.model import StoreId
from tests.fakes.carts import MemoryCarts, MemoryShop
from tests.fakes.checkouts import MemoryCheckouts, OneByOne
from tests.fakes.orders import MemoryOrders
from tests.fakes.transaction import no_transaction
from tests.store_service.shop import Shop


class Shelf(Protocol):
    async def buyer(self) -> UserId: ...
    async def store(self) -> StoreId: ...
    async def seller(self, store: StoreId) -> UserId: ...
    async def product(
        self,
        *,
        stock: int = 10,
        price: str = "10",
        name: str = "Lamp",
        store: StoreId | None = None,
    ) -> ProductId: ...
    async def delete(self, product_id: ProductId) -> None: ...
    async def reprice(self, product_id: ProductId, price: str) -> None: ...
    async def restock(self, product_id: ProductId, stock: int) -> None: ...
    async def stock(self, product_id: ProductId) -> int: ...


@dataclass
class Parts:
    shop: Shelf
    carts: Carts
    checkouts: Checkouts
    orders: Orders
    reads: OrderReads
    database: Database | None

    def begin(self) -> AbstractAsyncContextManager[Tx]:
        return self.database.begin() if self.database else no_transaction()

    async def place(self, buyer: UserId, expected_total: Money | None = None) -> Placed:
        wish = Wish(OrderId(uuid4()), buyer, "Jalan Pasar 1", expected_total, "r-1")
        return accepted(await self.checkouts.place(wish))

    async def buy(self, buyer: UserId, *products: ProductId) -> Order:
        for product_id in products:
            await self.carts.add(buyer, product_id, 1)
        return (await self.place(buyer)).order

    async def settle(self, order: Order, *, approved: bool) -> Order:
        async with self.begin() as tx:
            verdict = Verdict(order.id, approved, "pay_7", order.total_amount, "told")
            await self.orders.settle(tx, [verdict])
        return await self.reads.get(order.id)

    async def cancel(self, order: Order) -> bool:
        async with self.begin() as tx:
            return await self.orders.cancel(tx, await self.orders.hold(tx, order.id))

    async def move(self, order: Order, store: StoreId, *ways: Status) -> Status:
        """Move a store's part through these states, and return the order's."""
        seller = await self.shop.seller(store)
        for wanted in ways:
            async with self.begin() as tx:
                held = await self.orders.hold(tx, order.id)
                parts = await self.orders.parts(tx, order.id)
                await self.orders.move(tx, step(held, parts, store, wanted), seller)
        return (await self.reads.get(order.id)).status

    async def parts(self, order: Order) -> Mapping[StoreId, Status]:
        async with self.begin() as tx:
            return await self.orders.parts(tx, order.id)


class OrdersPromise:
    async def test_a_cart_becomes_one_pending_order(self, parts: Parts) -> None:
        buyer = await parts.shop.buyer()
        lamp = await parts.shop.product(price="10.50", stock=5)
        vase = await parts.shop.product(price="3", stock=7)
        await parts.carts.add(buyer, lamp, 2)
        await parts.carts.add(buyer, vase, 7)
        placed = await parts.place(buyer)
        order = placed.order
        cart = await parts.carts.get(buyer)

        assert (order.user_id, order.status) == (buyer, Status.PENDING)
        assert (str(order.total_amount), order.shipping_address) == ("42", "Jalan Pasar 1")
        assert [(item.product_id, item.quantity) for item in order.items] == sorted(
            [(lamp, 2), (vase, 7)]
        )
        assert order.payment
        assert (order.payment.status, order.payment.method) == ("pending", "mock")
        assert (order.payment.amount, order.payment.paid_at) == (order.total_amount, None)
        assert order == await parts.reads.get(order.id)
        assert [await parts.shop.stock(product) for product in (lamp, vase)] == [3, 0]
        assert (cart.lines, cart.version, placed.cart_version) == ((), 3, 3)
        assert placed.product_versions == {lamp: 2, vase: 2}

    async def test_one_cart_makes_one_order(self, parts: Parts) -> None:
        buyer, lamp = await parts.shop.buyer(), await parts.shop.product()
        await parts.buy(buyer, lamp)
        with pytest.raises(CartIsEmpty):
            await parts.place(buyer)
        with pytest.raises(CartIsEmpty):
            await parts.place(await parts.shop.buyer())

    async def test_a_refusal_leaves_the_cart_and_the_stock(self, parts: Parts) -> None:
        buyer = await parts.shop.buyer()
        lamp = await parts.shop.product(name="Lamp", stock=5)
        vase = await parts.shop.product(name="Vase", stock=5)
        await parts.carts.add(buyer, lamp, 5)
        before = await parts.carts.add(buyer, vase, 5)
        await parts.shop.restock(vase, 4)
        with pytest.raises(OutOfStock, match="Vase"):
            await parts.place(buyer)
        after = await parts.carts.get(buyer)

        assert (after.lines, after.version) == (before.lines, before.version)
        assert await parts.shop.stock(lamp) == 5

    async def test_a_product_that_went_meanwhile_is_named(self, parts: Parts) -> None:
        buyer, lamp, gone = (
            await parts.shop.buyer(),
            await parts.shop.product(),
            await parts.shop.product(),
        )
        await parts.carts.add(buyer, lamp, 1)
        await parts.carts.add(buyer, gone, 1)
        await parts.shop.delete(gone)
        with pytest.raises(ProductGone, match=str(gone)):
            await parts.place(buyer)

        assert await parts.shop.stock(lamp) == 10

    async def test_the_price_of_the_moment_is_charged_and_kept(self, parts: Parts) -> None:
        buyer, lamp = await parts.shop.buyer(), await parts.shop.product(price="10")
        await parts.carts.add(buyer, lamp, 1)
        await parts.shop.reprice(lamp, "11")
        with pytest.raises(TotalChanged, match=r"11$"):
            await parts.place(buyer, parse_money("10"))
        placed = await parts.place(buyer, parse_money("11"))
        await parts.shop.reprice(lamp, "12")
        order = await parts.reads.get(placed.order.id)

        assert str(order.items[0].price) == "11"

    async def test_the_largest_total_is_the_column(self, parts: Parts) -> None:
        buyer = await parts.shop.buyer()
        dear = await parts.shop.product(price="9999999999999.99", stock=2**31 - 1)
        cheap = await parts.shop.product(price="0.01")
        await parts.carts.add(buyer, dear, 1)
        await parts.carts.add(buyer, cheap, 1)
        with pytest.raises(OrderTotalTooLarge):
            await parts.place(buyer)
        await parts.carts.add(buyer, dear, 2**31 - 2)
        with pytest.raises(OrderTotalTooLarge):
            await parts.place(buyer)
        await parts.carts.remove(buyer, dear)
        await parts.carts.remove(buyer, cheap)
        order = await parts.buy(buyer, dear)

        assert str(order.total_amount) == "9999999999999.99"

    async def test_an_unknown_order_is_not_found(self, parts: Parts) -> None:
        with pytest.raises(OrderNotFound):
            await parts.reads.get(OrderId(uuid4()))
        async with parts.begin() as tx:
            with pytest.raises(OrderNotFound):
                await parts.orders.hold(tx, OrderId(uuid4()))

    async def test_a_success_pays_once(self, parts: Parts) -> None:
        order = await parts.buy(await parts.shop.buyer(), await parts.shop.product())
        paid = await parts.settle(order, approved=True)
        refused = await parts.settle(order, approved=False)

        assert paid.payment
        assert (paid.status, paid.payment.status) == (Status.PAID, "success")
        assert paid.payment.paid_at
        assert refused == paid

    async def test_a_failure_cancels_for_good_and_a_late_success_is_no_news(
        self, parts: Parts
    ) -> None:
        order = await parts.buy(await parts.shop.buyer(), await parts.shop.product())
        cancelled = await parts.settle(order, approved=False)
        later = await parts.settle(order, approved=True)

        assert cancelled.payment
        assert (cancelled.status, cancelled.payment.status) == (Status.CANCELLED, "failed")
        assert cancelled.payment.paid_at is None
        assert later == cancelled

    async def test_stock_comes_back_once(self, parts: Parts) -> None:
        buyer, lamp = await parts.shop.buyer(), await parts.shop.product(stock=5)
        await parts.carts.add(buyer, lamp, 3)
        placed = await parts.place(buyer)
        returned = []
        for _ in range(2):
            async with parts.begin() as tx:
                held = await parts.orders.hold(tx, placed.order.id)
                returned.append(await parts.orders.restock(tx, held.id))

        assert returned == [{lamp: placed.product_versions[lamp] + 1}, {}]
        assert await parts.shop.stock(lamp) == 5

    async def test_a_buyer_cancels_once_and_every_part_with_it(self, parts: Parts) -> None:
        here, there = await parts.shop.store(), await parts.shop.store()
        goods = [await parts.shop.product(store=store) for store in (here, there)]
        order = await parts.buy(await parts.shop.buyer(), *goods)
        first, second = await parts.cancel(order), await parts.cancel(order)

        assert (first, second) == (True, False)
        assert (await parts.reads.get(order.id)).status is Status.CANCELLED
        assert await parts.parts(order) == dict.fromkeys((here, there), Status.CANCELLED)

    async def test_d27_one_part_past_processing_keeps_the_whole_order(self, parts: Parts) -> None:
        here, there = await parts.shop.store(), await parts.shop.store()
        goods = [await parts.shop.product(store=store) for store in (here, there)]
        order = await parts.buy(await parts.shop.buyer(), *goods)
        await parts.settle(order, approved=True)
        status = await parts.move(order, here, Status.PROCESSING, Status.SHIPPING)

        assert status is Status.PAID
        assert not await parts.cancel(order)
        assert await parts.parts(order) == {here: Status.SHIPPING, there: Status.PAID}

    async def test_d27_the_order_follows_its_least_advanced_part(self, parts: Parts) -> None:
        here, there = await parts.shop.store(), await parts.shop.store()
        goods = [await parts.shop.product(store=store) for store in (here, there)]
        order = await parts.buy(await parts.shop.buyer(), *goods)
        await parts.settle(order, approved=True)
        to_the_end = list(Status)[2:6]

        assert await parts.move(order, here, *to_the_end) is Status.PAID
        for wanted in to_the_end:
            assert await parts.move(order, there, wanted) is wanted

    async def test_a_buyers_own_orders_come_newest_first_page_by_page(self, parts: Parts) -> None:
        buyer, lamp = await parts.shop.buyer(), await parts.shop.product()
        vase = await parts.shop.product()
        await parts.buy(await parts.shop.buyer(), lamp)
        made = [await parts.buy(buyer, lamp, vase) for _ in range(3)]
        pages = [await parts.reads.page_of_buyer(buyer, 2, offset) for offset in (0, 2, 4)]

        assert [page.orders for page in pages] == [(made[2], made[1]), (made[0],), ()]
        assert [page.total for page in pages] == [3, 3, 3]

    async def test_d28_a_seller_sees_the_own_part_as_if_it_were_the_order(
        self, parts: Parts
    ) -> None:
        here, there = await parts.shop.store(), await parts.shop.store()
        lamp = await parts.shop.product(store=here, price="10.50")
        vase = await parts.shop.product(store=here, price="3")
        rug = await parts.shop.product(store=there, price="700")
        elsewhere = await parts.buy(await parts.shop.buyer(), rug)
        order = await parts.buy(await parts.shop.buyer(), lamp, vase, rug)
        await parts.settle(order, approved=True)
        await parts.move(order, here, Status.PROCESSING)
        ours = await parts.reads.page_of_seller(await parts.shop.seller(here), 10, 0)
        theirs = await parts.reads.page_of_seller(await parts.shop.seller(there), 1, 1)
        (part,) = ours.orders

        assert (part.id, part.user_id, part.created_at) == (
            order.id, order.user_id, order.created_at,
        )  # fmt: skip
        assert (part.status, str(part.total_amount), part.payment) == (
            Status.PROCESSING, "13.5", None,
        )  # fmt: skip
        assert [item.product_id for item in part.items] == sorted([lamp, vase])
        assert ours.total == 1
        assert ([each.id for each in theirs.orders], theirs.total) == ([elsewhere.id], 2)

    async def test_a_one_store_order_looks_to_its_seller_as_to_its_buyer(
        self, parts: Parts
    ) -> None:
        store = await parts.shop.store()
        order = await parts.buy(await parts.shop.buyer(), await parts.shop.product(store=store))
        await parts.settle(order, approved=True)
        await parts.move(order, store, Status.PROCESSING)
        page = await parts.reads.page_of_seller(await parts.shop.seller(store), 10, 0)

        seen = await parts.reads.get(order.id)
        assert page.orders == (msgspec.structs.replace(seen, payment=None),)

    async def test_d02_an_empty_list_has_no_orders_and_counts_none(self, parts: Parts) -> None:
        seller = await parts.shop.seller(await parts.shop.store())
        pages = [
            await parts.reads.page_of_buyer(await parts.shop.buyer(), 10, 0),
            await parts.reads.page_of_seller(seller, 10, 0),
        ]

        assert [(page.orders, page.total) for page in pages] == [((), 0), ((), 0)]
        with pytest.raises(SellerWithoutStore):
            await parts.reads.page_of_seller(await parts.shop.buyer(), 10, 0)


class TestMemoryOrders(OrdersPromise):
    @pytest.fixture
    def parts(self) -> Parts:
        shop = MemoryShop()
        carts = MemoryCarts(shop.wares)
        orders = MemoryOrders(shop)
        return Parts(shop, carts, MemoryCheckouts(carts, orders), orders, orders, None)


class TestPostgresOrders(OrdersPromise):
    @pytest.fixture(params=["read alone", "read together"])
    async def parts(
        self, request: pytest.FixtureRequest, owner: PostgresDatabase, database: PostgresDatabase
    ) -> AsyncIterator[Parts]:
        shop = Shop(owner)
        alone = PostgresOrderReads(database)
        reads = CombiningReads(alone) if request.param == "read together" else alone
        checkouts = OneByOne(PostgresCheckouts(database, reads, TimeOrderedIds(), "IDR"))
        carts = PostgresCarts(database, 1000)
        yield Parts(shop, carts, checkouts, PostgresOrders(), reads, database)
        books = {rule for rule, _ in await shop.broken_books()}

        assert books <= {"stock came back without a cancelled order, or not"}
