"""What every place that keeps carts promises: in memory, in PostgreSQL, behind Redis."""

from typing import Protocol
from uuid import uuid4

import pytest

from pasar.kit.money import Money
from pasar.kit.postgres import PostgresDatabase
from pasar.kit.redis import Redis
from pasar.kit.versioned_cache import VersionedCache
from pasar.store_service.cart.combining import CombiningCarts
from pasar.store_service.cart.model import CartIsFull, InsufficientStock, ItemNotInCart
from pasar.store_service.cart.postgres import PostgresCarts
from pasar.store_service.cart.redis import RedisCarts
from pasar.store_service.cart.repository import Carts
from pasar.store_service.catalog.model import ProductId, ProductNotFound
from pasar.store_service.identity import UserId
from tests.fakes.carts import MemoryCarts, MemoryShop
from tests.store_service.shop import Shop

MAX_LINES = 3


class Shelf(Protocol):
    async def buyer(self) -> UserId: ...
    async def product(
        self, *, stock: int = 10, price: str = "10", name: str = "Lamp"
    ) -> ProductId: ...
    async def delete(self, product_id: ProductId) -> None: ...


class CartsPromise:
    async def test_a_cart_is_there_from_the_start(self, shop: Shelf, carts: Carts) -> None:
        cart = await carts.get(await shop.buyer())

        assert (cart.lines, cart.total, cart.version) == ((), Money(0), 0)

    async def test_amounts_of_one_product_add_up_in_place(self, shop: Shelf, carts: Carts) -> None:
        buyer = await shop.buyer()
        lamp = await shop.product(name="Lamp", price="10.50")
        vase = await shop.product(name="Vase", price="3")
        await carts.add(buyer, lamp, 2)
        await carts.add(buyer, vase, 1)
        cart = await carts.add(buyer, lamp, 1)

        assert [(line.name, line.quantity) for line in cart.lines] == [("Lamp", 3), ("Vase", 1)]
        assert [str(line.subtotal) for line in cart.lines] == ["31.5", "3"]
        assert str(cart.total) == "34.5"
        assert cart.lines == (await carts.get(buyer)).lines

    async def test_each_change_raises_the_version(self, shop: Shelf, carts: Carts) -> None:
        buyer, lamp = await shop.buyer(), await shop.product()
        versions = [
            (await carts.add(buyer, lamp, 1)).version,
            (await carts.add(buyer, lamp, 1)).version,
            (await carts.remove(buyer, lamp)).version,
        ]

        assert versions == [1, 2, 3]
        assert (await carts.get(buyer)).version == 3

    async def test_carts_are_apart(self, shop: Shelf, carts: Carts) -> None:
        lamp = await shop.product()
        await carts.add(await shop.buyer(), lamp, 1)

        assert (await carts.get(await shop.buyer())).lines == ()

    async def test_the_last_line_can_go(self, shop: Shelf, carts: Carts) -> None:
        buyer, lamp = await shop.buyer(), await shop.product()
        await carts.add(buyer, lamp, 1)

        assert (await carts.remove(buyer, lamp)).lines == ()

    async def test_removing_leaves_the_others(self, shop: Shelf, carts: Carts) -> None:
        buyer, lamp, vase = await shop.buyer(), await shop.product(), await shop.product()
        await carts.add(buyer, lamp, 1)
        await carts.add(buyer, vase, 2)
        cart = await carts.remove(buyer, lamp)

        assert [(line.product_id, line.quantity) for line in cart.lines] == [(vase, 2)]

    async def test_what_is_not_there_cannot_be_removed(self, shop: Shelf, carts: Carts) -> None:
        buyer, lamp = await shop.buyer(), await shop.product()
        with pytest.raises(ItemNotInCart):
            await carts.remove(buyer, lamp)
        await carts.add(buyer, lamp, 1)
        await carts.remove(buyer, lamp)
        with pytest.raises(ItemNotInCart):
            await carts.remove(buyer, lamp)

        assert (await carts.get(buyer)).version == 2

    @pytest.mark.parametrize("too_many", [6, 2**31 - 1, 2**31, 2**63 - 1])
    async def test_a_line_never_exceeds_the_stock(
        self, shop: Shelf, carts: Carts, too_many: int
    ) -> None:
        """The refused add leaves no trace, neither in the line nor in the version."""
        buyer, lamp = await shop.buyer(), await shop.product(stock=5)
        with pytest.raises(InsufficientStock):
            await carts.add(buyer, lamp, too_many)

        assert (await carts.get(buyer)).version == 0

        await carts.add(buyer, lamp, 5)
        for quantity in (1, too_many):
            with pytest.raises(InsufficientStock):
                await carts.add(buyer, lamp, quantity)
        cart = await carts.get(buyer)

        assert ([line.quantity for line in cart.lines], cart.version) == ([5], 1)

    async def test_the_largest_stock_fits_into_a_line(self, shop: Shelf, carts: Carts) -> None:
        buyer, lamp = await shop.buyer(), await shop.product(stock=2**31 - 1)
        cart = await carts.add(buyer, lamp, 2**31 - 1)

        assert cart.lines[0].quantity == 2**31 - 1
        with pytest.raises(InsufficientStock):
            await carts.add(buyer, lamp, 1)

    async def test_an_unknown_or_deleted_product_is_not_found(
        self, shop: Shelf, carts: Carts
    ) -> None:
        buyer, gone = await shop.buyer(), await shop.product()
        await shop.delete(gone)
        for product_id in (gone, ProductId(uuid4())):
            with pytest.raises(ProductNotFound):
                await carts.add(buyer, product_id, 2**63 - 1)

        assert (await carts.get(buyer)).version == 0

    async def test_d26_a_lines_quantity_is_set_in_place(self, shop: Shelf, carts: Carts) -> None:
        buyer = await shop.buyer()
        lamp, vase = await shop.product(stock=5, price="10.50"), await shop.product()
        await carts.add(buyer, lamp, 4)
        await carts.add(buyer, vase, 1)
        cart = await carts.set_quantity(buyer, lamp, 5)
        less = await carts.set_quantity(buyer, lamp, 2)

        assert [(line.product_id, line.quantity) for line in cart.lines] == [(lamp, 5), (vase, 1)]
        assert [(line.product_id, line.quantity) for line in less.lines] == [(lamp, 2), (vase, 1)]
        assert (str(less.total), cart.version, less.version) == ("31", 3, 4)
        assert (await carts.get(buyer)).lines == less.lines

    @pytest.mark.parametrize("too_many", [6, 2**31 - 1, 2**31, 2**63 - 1])
    async def test_d26_a_quantity_above_the_stock_is_not_set(
        self, shop: Shelf, carts: Carts, too_many: int
    ) -> None:
        buyer, lamp = await shop.buyer(), await shop.product(stock=5)
        await carts.add(buyer, lamp, 1)
        with pytest.raises(InsufficientStock):
            await carts.set_quantity(buyer, lamp, too_many)
        cart = await carts.get(buyer)

        assert ([line.quantity for line in cart.lines], cart.version) == ([1], 1)

    async def test_only_a_line_that_is_there_can_be_set(self, shop: Shelf, carts: Carts) -> None:
        """Whether it is there comes before the stock; a deleted product's line is not."""
        buyer, lamp, gone = await shop.buyer(), await shop.product(), await shop.product()
        with pytest.raises(ItemNotInCart):
            await carts.set_quantity(buyer, lamp, 2**63 - 1)
        await carts.add(buyer, gone, 1)
        await shop.delete(gone)
        for product_id in (lamp, gone, ProductId(uuid4())):
            with pytest.raises(ItemNotInCart):
                await carts.set_quantity(buyer, product_id, 2**63 - 1)

    async def test_a_full_cart_takes_no_new_line_but_more_of_the_same(
        self, shop: Shelf, carts: Carts
    ) -> None:
        buyer = await shop.buyer()
        products = [await shop.product() for _ in range(MAX_LINES + 1)]
        for product_id in products[:-1]:
            await carts.add(buyer, product_id, 1)
        with pytest.raises(CartIsFull):
            await carts.add(buyer, products[-1], 1)
        cart = await carts.add(buyer, products[0], 1)

        assert ([line.quantity for line in cart.lines], cart.version) == ([2, 1, 1], MAX_LINES + 1)


class TestMemoryCarts(CartsPromise):
    @pytest.fixture
    def shop(self) -> MemoryShop:
        return MemoryShop()

    @pytest.fixture
    def carts(self, shop: MemoryShop) -> MemoryCarts:
        return MemoryCarts(shop.wares, MAX_LINES)


class TestPostgresCarts(CartsPromise):
    @pytest.fixture
    def shop(self, owner: PostgresDatabase) -> Shop:
        return Shop(owner)

    @pytest.fixture
    def carts(self, database: PostgresDatabase) -> Carts:
        return PostgresCarts(database, MAX_LINES)


class TestCombiningCarts(TestPostgresCarts):
    @pytest.fixture
    def carts(self, database: PostgresDatabase) -> Carts:
        return CombiningCarts(PostgresCarts(database, MAX_LINES))


class TestRedisCarts(CartsPromise):
    @pytest.fixture
    def shop(self) -> MemoryShop:
        return MemoryShop()

    @pytest.fixture
    def carts(self, shop: MemoryShop, redis: Redis) -> Carts:
        behind = MemoryCarts(shop.wares, MAX_LINES)
        return RedisCarts(VersionedCache(redis, "cart", 60), behind)
