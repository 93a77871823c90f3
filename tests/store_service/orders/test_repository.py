"""What checkout and orders promise, in memory and in PostgreSQL."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol
from uuid import uuid4

import pytest

from pasar.kit.database import Database, Tx
from pasar.kit.ids import TimeOrderedIds
from pasar.kit.money import Money, parse_money
from pasar.kit.postgres import PostgresDatabase
from pasar.store_service.cart.postgres import PostgresCarts
from pasar.store_service.cart.repository import Carts
from pasar.store_service.catalog.model import ProductId
from pasar.store_service.identity import UserId
from pasar.store_service.orders.model import (
    CartIsEmpty,
    Order,
    OrderId,
    OrderNotFound,
    OrderTotalTooLarge,
    OutOfStock,
    Placed,
    ProductGone,
    Status,
    TotalChanged,
    Verdict,
    Wish,
)
from pasar.store_service.orders.postgres import PostgresCheckouts
from pasar.store_service.orders.postgres_orders import PostgresOrders
from pasar.store_service.orders.repository import Checkouts, Orders
from pasar.store_service.orders.rules import accepted
from tests.fakes.carts import MemoryCarts, MemoryShop
from tests.fakes.checkouts import MemoryCheckouts
from tests.fakes.orders import MemoryOrders
from tests.fakes.transaction import no_transaction
from tests.store_service.shop import Shop


class Shelf(Protocol):
    async def buyer(self) -> UserId: ...
    async def product(
        self, *, stock: int = 10, price: str = "10", name: str = "Lamp"
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
    database: Database | None

    def begin(self) -> AbstractAsyncContextManager[Tx]:
        return self.database.begin() if self.database else no_transaction()

    async def place(self, buyer: UserId, expected_total: Money | None = None) -> Placed:
        wish = Wish(OrderId(uuid4()), buyer, "Jalan Pasar 1", expected_total)
        return accepted(await self.checkouts.place(wish))

    async def buy(self, buyer: UserId, *products: ProductId) -> Order:
        for product_id in products:
            await self.carts.add(buyer, product_id, 1)
        return (await self.place(buyer)).order

    async def settle(self, order: Order, *, approved: bool) -> Order:
        async with self.begin() as tx:
            verdict = Verdict(order.id, approved, "pay_7", order.total_amount, "told")
            await self.orders.settle(tx, verdict)
        return await self.orders.get(order.id)


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
        assert order == await parts.orders.get(order.id)
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
        order = await parts.orders.get(placed.order.id)

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
            await parts.orders.get(OrderId(uuid4()))
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


class TestMemoryOrders(OrdersPromise):
    @pytest.fixture
    def parts(self) -> Parts:
        shop = MemoryShop()
        carts = MemoryCarts(shop.wares)
        orders = MemoryOrders(shop.wares)
        return Parts(shop, carts, MemoryCheckouts(carts, orders), orders, None)


class TestPostgresOrders(OrdersPromise):
    @pytest.fixture
    async def parts(
        self, owner: PostgresDatabase, database: PostgresDatabase
    ) -> AsyncIterator[Parts]:
        shop = Shop(owner)
        orders = PostgresOrders(database)
        checkouts = PostgresCheckouts(database, orders, TimeOrderedIds(), "IDR")
        yield Parts(shop, PostgresCarts(database, 1000), checkouts, orders, database)
        books = {rule for rule, _ in await shop.broken_books()}

        assert books <= {"stock came back without a cancelled order, or not"}
