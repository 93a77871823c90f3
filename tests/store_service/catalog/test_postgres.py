"""Edits and deletions on real rows, beside everything else that happens to them."""

import asyncio
from dataclasses import dataclass

import pytest
from structlog.testing import capture_logs

from pasar.kit.ids import TimeOrderedIds
from pasar.kit.money import Money
from pasar.kit.postgres import PostgresDatabase
from pasar.store_service.cart.model import Cart, ItemNotInCart
from pasar.store_service.cart.postgres import PostgresCarts
from pasar.store_service.catalog.model import ProductEdit, ProductId
from pasar.store_service.catalog.postgres import PostgresProducts
from pasar.store_service.identity import UserId
from pasar.store_service.orders.model import OrderId, Wish
from pasar.store_service.orders.postgres import PostgresCheckouts
from pasar.store_service.orders.postgres_reads import PostgresOrderReads
from tests.fakes.checkouts import OneByOne
from tests.kit.databases import until_somebody_waits
from tests.store_service.shop import Shop, warm_up

IDS = TimeOrderedIds()
BUYERS = 25
CHECKOUTS_EACH = 4
EDITS = 50


@dataclass(frozen=True, slots=True)
class Market:
    """Buyers who check out one product again and again while its seller edits it."""

    shop: Shop
    products: PostgresProducts
    carts: PostgresCarts
    checkouts: OneByOne

    async def shops(self, buyer: UserId, product_id: ProductId) -> None:
        for _ in range(CHECKOUTS_EACH):
            await self.carts.add(buyer, product_id, 1)
            await self.checkouts.place(
                Wish(OrderId(IDS.new()), buyer, "Jalan Pasar 1", None, "r-1")
            )

    async def sold(self) -> int:
        return await self.shop.number("SELECT count(*)::int AS n FROM order_items")


@pytest.fixture
async def market(database: PostgresDatabase, owner: PostgresDatabase) -> Market:
    await warm_up(database)
    return Market(
        Shop(owner),
        PostgresProducts(database),
        PostgresCarts(database, 100),
        OneByOne(PostgresCheckouts(database, PostgresOrderReads(database), IDS, "IDR")),
    )


async def test_h05_stock_edits_beside_checkouts_leave_the_ledger_exact(market: Market) -> None:
    lamp = await market.shop.product(stock=1000)
    buyers = [await market.shop.buyer() for _ in range(BUYERS)]
    edits = (
        market.products.update(lamp, ProductEdit(stock=1000 + number)) for number in range(EDITS)
    )
    await asyncio.gather(*(market.shops(buyer, lamp) for buyer in buyers), *edits)

    assert await market.sold() == BUYERS * CHECKOUTS_EACH
    assert await market.shop.broken_books() == []


async def test_h05_d21_edits_of_other_members_leave_the_stock_to_the_sales(market: Market) -> None:
    lamp = await market.shop.product(stock=1000)
    buyers = [await market.shop.buyer() for _ in range(BUYERS)]
    edits = (
        market.products.update(lamp, ProductEdit(name=f"Lamp {number}", price=Money(number)))
        for number in range(EDITS)
    )
    await asyncio.gather(*(market.shops(buyer, lamp) for buyer in buyers), *edits)

    assert await market.shop.stock(lamp) == 1000 - BUYERS * CHECKOUTS_EACH
    kinds = "SELECT count(*)::int AS n FROM stock_ledger WHERE kind = 'edit'"
    assert await market.shop.number(kinds) == 0
    assert await market.shop.broken_books() == []


async def test_a_stock_set_to_what_it_is_books_nothing(market: Market) -> None:
    lamp = await market.shop.product(stock=7)
    edited = await market.products.update(lamp, ProductEdit(stock=7))

    assert (edited.stock, edited.version) == (7, 2)
    assert await market.shop.number("SELECT count(*)::int AS n FROM stock_ledger") == 1


async def test_d13_a_deleted_product_leaves_all_carts_while_they_change(
    market: Market, database: PostgresDatabase
) -> None:
    """Some buyers take it out themselves in that moment; nobody gets in the other's way."""
    products = PostgresProducts(database, carts_at_once=10)  # three rounds
    lamp, vase = await market.shop.product(), await market.shop.product()
    buyers = [await market.shop.buyer() for _ in range(BUYERS)]
    for buyer in buyers:
        await market.carts.add(buyer, lamp, 1)
        await market.carts.add(buyer, vase, 1)
    await market.products.hide(lamp)
    removals = (market.carts.remove(buyer, lamp) for buyer in buyers)
    with capture_logs() as lines:
        outcomes = await asyncio.gather(
            products.clear_from_carts(lamp), *removals, return_exceptions=True
        )
    carts = [await market.carts.get(buyer) for buyer in buyers]

    assert {type(outcome) for outcome in outcomes} <= {type(None), Cart, ItemNotInCart}
    assert lines == []  # no deadlock that a retry had to hide
    assert [line.product_id for cart in carts for line in cart.lines] == [vase] * BUYERS
    assert await market.shop.number("SELECT count(*)::int AS n FROM cart_items") == BUYERS
    assert {cart.version for cart in carts} == {3}


async def test_two_deletions_at_once_do_not_wait_for_each_other_for_ever(market: Market) -> None:
    wares = [await market.shop.product() for _ in range(4)]
    buyers = [await market.shop.buyer() for _ in range(BUYERS)]
    for buyer in buyers:
        for ware in wares:
            await market.carts.add(buyer, ware, 1)
    for ware in wares:
        await market.products.hide(ware)
    await asyncio.gather(*(market.products.clear_from_carts(ware) for ware in wares))

    assert await market.shop.number("SELECT count(*)::int AS n FROM cart_items") == 0


async def test_who_clears_a_cart_waits_for_it_before_touching_its_lines(
    market: Market, owner: PostgresDatabase
) -> None:
    """Taking the line first would meet the cart's holder, who wants the line, head on."""
    lamp, buyer = await market.shop.product(), await market.shop.buyer()
    await market.carts.add(buyer, lamp, 1)
    await market.products.hide(lamp)
    async with owner.begin() as holder:
        await holder.execute("SELECT FROM carts WHERE user_id = $1 FOR UPDATE", buyer)
        clearing = asyncio.create_task(market.products.clear_from_carts(lamp))
        await until_somebody_waits(owner)
        await holder.execute("SELECT FROM cart_items WHERE user_id = $1 FOR UPDATE NOWAIT", buyer)
    await clearing

    assert await market.shop.number("SELECT count(*)::int AS n FROM cart_items") == 0
