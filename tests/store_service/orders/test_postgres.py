"""Checkout in PostgreSQL: under a crowd, beside other writers, and when the answer gets lost."""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import replace
from typing import TypeVar
from uuid import UUID, uuid4

import pytest

from pasar.contracts.events import ORDER_CREATED, OrderCreated, seal
from pasar.kit.database import Database, OutcomeUnknown, Row
from pasar.kit.errors import Unavailable
from pasar.kit.ids import TimeOrderedIds
from pasar.kit.log import request_id
from pasar.kit.money import Money
from pasar.kit.postgres import PostgresDatabase, PostgresSettings
from pasar.store_service.cart.combining import CombiningCarts
from pasar.store_service.cart.model import ItemNotInCart
from pasar.store_service.cart.postgres import PostgresCarts
from pasar.store_service.catalog.model import ProductId
from pasar.store_service.identity import UserId
from pasar.store_service.orders.combining import CombiningCheckouts
from pasar.store_service.orders.model import (
    Attempt,
    CartIsEmpty,
    Order,
    OrderId,
    OutOfStock,
    Status,
    Verdict,
    Wish,
)
from pasar.store_service.orders.postgres import CHECKOUT, PostgresCheckouts
from pasar.store_service.orders.postgres_orders import PostgresOrders
from pasar.store_service.orders.postgres_reads import PostgresOrderReads
from pasar.store_service.orders.repository import Checkouts
from pasar.store_service.orders.rules import accepted
from tests.fakes.checkouts import OneByOne
from tests.kit.databases import until_somebody_waits
from tests.store_service.shop import Shop, warm_up

LONG = "LONG" in os.environ
REPEATS = 20 if LONG else 3
BUYERS = 250 if LONG else 100

STOCKED = """
WITH edited AS (UPDATE products SET stock = stock + $2::int WHERE id = $1)
INSERT INTO stock_ledger (product_id, kind, delta) VALUES ($1, 'edit', $2)
"""

ResultT = TypeVar("ResultT")


@pytest.fixture
async def shop(owner: PostgresDatabase) -> AsyncIterator[Shop]:
    shop = Shop(owner)
    yield shop

    assert await shop.broken_books() == []


@pytest.fixture
def carts(database: PostgresDatabase) -> PostgresCarts:
    return PostgresCarts(database, max_lines=1000)


@pytest.fixture
def orders() -> PostgresOrders:
    return PostgresOrders()


@pytest.fixture(params=["one by one", "combined"])
def checkouts(database: PostgresDatabase, request: pytest.FixtureRequest) -> Checkouts:
    behind = in_postgres(database)
    alone = request.param == "one by one"
    return OneByOne(behind) if alone else CombiningCheckouts(behind, is_joined=bool)


def in_postgres(database: Database) -> PostgresCheckouts:
    return PostgresCheckouts(database, PostgresOrderReads(database), TimeOrderedIds(), "IDR")


def wish(buyer: UserId) -> Wish:
    return Wish(OrderId(uuid4()), buyer, "Jalan Pasar 1", None, request_id.get())


async def bought(checkouts: Checkouts, buyer: UserId) -> Order:
    return accepted(await checkouts.place(wish(buyer))).order


async def outcomes(*works: Awaitable[ResultT]) -> Counter[str]:
    """Run all at once and count what came of them, by type."""
    results = await asyncio.gather(*works, return_exceptions=True)
    return Counter(type(result).__name__ for result in results)


async def buyers_with(
    shop: Shop, carts: PostgresCarts, count: int, *products: ProductId
) -> list[UserId]:
    buyers = [await shop.buyer() for _ in range(count)]
    for buyer in buyers:
        for product_id in products:
            await carts.add(buyer, product_id, 1)
    return buyers


async def test_h01_stock_that_comes_back_while_a_checkout_waits_for_it_is_sold(
    shop: Shop, carts: PostgresCarts, checkouts: Checkouts, owner: PostgresDatabase
) -> None:
    lamp = await shop.product(stock=2)
    (late,) = await buyers_with(shop, carts, 1, lamp)
    await carts.add(late, lamp, 1)
    await owner.execute(STOCKED, lamp, -2)

    async with asyncio.TaskGroup() as together, owner.begin() as tx:
        await tx.execute(STOCKED, lamp, 3)
        order = together.create_task(bought(checkouts, late))
        await until_somebody_waits(owner)

    assert order.result().items[0].quantity == 2
    assert await shop.stock(lamp) == 1


async def test_h01_two_hundred_buyers_get_one_hundred_units_each_time(
    shop: Shop, carts: PostgresCarts, checkouts: Checkouts
) -> None:
    """The same buyers again and again: whoever was refused keeps the sold-out line until then."""
    vase = await shop.product(stock=200 * REPEATS)
    buyers = await buyers_with(shop, carts, 200)
    for repeat in range(1, REPEATS + 1):
        lamp = await shop.product(stock=100)
        for buyer in buyers:
            await carts.add(buyer, lamp, 1)
            await carts.add(buyer, vase, 1)
        counted = await outcomes(*(bought(checkouts, buyer) for buyer in buyers))
        for buyer in buyers:
            for line in (await carts.get(buyer)).lines:
                await carts.remove(buyer, line.product_id)

        assert counted == {"Order": 100, "OutOfStock": 100}
        left = 200 * REPEATS - 100 * repeat
        assert (await shop.stock(lamp), await shop.stock(vase)) == (0, left)


async def test_h07_while_its_price_flips_an_order_is_at_one_price_or_at_the_one_that_was_seen(
    shop: Shop, carts: PostgresCarts, checkouts: Checkouts
) -> None:
    lamp = await shop.product(stock=1000, price="10")
    buyers = await buyers_with(shop, carts, 2 * BUYERS, lamp)
    wishes = [wish(buyer) for buyer in buyers[:BUYERS]]
    wishes += [replace(wish(buyer), expected_total=Money(1000)) for buyer in buyers[BUYERS:]]
    flip = "UPDATE products SET price = 30 - price WHERE id = $1"
    works: list[Awaitable[object]] = [checkouts.place(each) for each in wishes]
    works += [shop.database.execute(flip, lamp) for _ in range(100)]
    random.shuffle(works)
    attempts = [each for each in await asyncio.gather(*works) if isinstance(each, Attempt)]
    placed = [each.placed.order for each in attempts if each.placed]
    seen = {each.order_id for each in wishes[BUYERS:]}

    assert len([order for order in placed if order.id not in seen]) == BUYERS
    assert {order.items[0].price for order in placed} <= {Money(1000), Money(2000)}
    assert {order.total_amount for order in placed if order.id in seen} <= {Money(1000)}


async def test_fifty_presses_of_the_button_make_one_order(
    shop: Shop, carts: PostgresCarts, checkouts: Checkouts, database: PostgresDatabase
) -> None:
    (buyer,) = await buyers_with(shop, carts, 1, await shop.product(stock=50))
    await warm_up(database)
    counted = await outcomes(*(bought(checkouts, buyer) for _ in range(50)))

    assert counted == {"Order": 1, "CartIsEmpty": 49}


async def test_h03_crossed_carts_beside_cart_adds_edits_and_cancels_never_deadlock(
    shop: Shop,
    carts: PostgresCarts,
    checkouts: Checkouts,
    orders: PostgresOrders,
    database: PostgresDatabase,
) -> None:
    """Counted by the server, which also counts what a retry would have hidden."""
    lamp, vase = await shop.product(stock=10_000), await shop.product(stock=10_000)
    one_way = await buyers_with(shop, carts, 100, lamp, vase)
    other_way = await buyers_with(shop, carts, 100, vase, lamp)
    processes = [CombiningCarts(carts), CombiningCarts(carts)]

    async def buy_and_be_declined(buyer: UserId) -> None:
        order = await bought(checkouts, buyer)
        async with database.begin() as tx:
            await orders.hold(tx, order.id)
            await orders.settle(tx, [Verdict(order.id, False, "pay_1", None, "no")])
            await orders.restock(tx, order.id)

    works: list[Awaitable[object]] = [
        *(bought(checkouts, buyer) for buyer in one_way[:50] + other_way[:50]),
        *(buy_and_be_declined(buyer) for buyer in one_way[50:] + other_way[50:]),
        *(carts.add(buyer, lamp, 1) for buyer in one_way[:50]),
        *(carts.add(buyer, vase, 1) for buyer in other_way[:50]),
        *(processes[n % 2].add(buyer, lamp, 1) for n, buyer in enumerate(one_way[50:])),
        *(processes[n % 2].add(buyer, vase, 1) for n, buyer in enumerate(other_way[50:])),
        *(shop.restock(product, 10_000) for product in (lamp, vase) * 10),
    ]
    random.shuffle(works)
    began = time.monotonic()
    results = await asyncio.gather(*works, return_exceptions=True)
    took_s = time.monotonic() - began
    await database.close()  # its sessions report what they counted at their end
    deadlocks = await shop.number(
        "SELECT deadlocks::int FROM pg_stat_database WHERE datname = current_database()"
    )

    assert deadlocks == 0
    assert [result for result in results if isinstance(result, BaseException)] == []
    if LONG:  # a figure that needs the machine for itself
        assert took_s < 2  # the slowest of all, as they began together


async def test_an_add_during_checkout_is_neither_lost_nor_sold_twice(
    shop: Shop, carts: PostgresCarts, checkouts: Checkouts, database: PostgresDatabase
) -> None:
    await warm_up(database)
    for _ in range(10):
        lamp, vase = await shop.product(), await shop.product()
        (buyer,) = await buyers_with(shop, carts, 1, lamp)
        _, _, order = await asyncio.gather(
            carts.add(buyer, lamp, 1), carts.add(buyer, vase, 1), bought(checkouts, buyer)
        )
        units = Counter({item.product_id: item.quantity for item in order.items})
        units += Counter({x.product_id: x.quantity for x in (await carts.get(buyer)).lines})

        assert units == {lamp: 2, vase: 1}


async def test_a_quantity_set_during_checkout_is_ordered_or_refused(
    shop: Shop, carts: PostgresCarts, checkouts: Checkouts, database: PostgresDatabase
) -> None:
    await warm_up(database)
    lamp = await shop.product(stock=1000)
    for _ in range(20):
        (buyer,) = await buyers_with(shop, carts, 1, lamp)
        order, cart = await asyncio.gather(
            bought(checkouts, buyer), carts.set_quantity(buyer, lamp, 2), return_exceptions=True
        )
        assert isinstance(order, Order)

        assert order.items[0].quantity == (1 if isinstance(cart, ItemNotInCart) else 2)
        assert (await carts.get(buyer)).lines == ()


async def test_a_checkout_is_one_statement_however_many_lines(
    shop: Shop, carts: PostgresCarts, checkouts: Checkouts, database: PostgresDatabase
) -> None:
    products = [await shop.product() for _ in range(20)]
    (buyer,) = await buyers_with(shop, carts, 1, *products)
    before = database.statements
    order = await bought(checkouts, buyer)
    with pytest.raises(CartIsEmpty):
        await bought(checkouts, buyer)

    assert database.statements - before == 2
    assert len(order.items) == 20


async def test_reading_an_order_is_one_statement(
    shop: Shop, carts: PostgresCarts, checkouts: Checkouts, database: PostgresDatabase
) -> None:
    (buyer,) = await buyers_with(shop, carts, 1, await shop.product(), await shop.product())
    order = await bought(checkouts, buyer)
    before = database.statements
    read = await PostgresOrderReads(database).get(order.id)

    assert (read, database.statements - before) == (order, 1)


async def test_each_store_has_a_part_and_each_step_a_history_row(
    shop: Shop,
    carts: PostgresCarts,
    checkouts: Checkouts,
    orders: PostgresOrders,
    database: PostgresDatabase,
) -> None:
    elsewhere = await shop.store()
    products = [await shop.product(), await shop.product(), await shop.product(store=elsewhere)]
    (buyer,) = await buyers_with(shop, carts, 1, *products)
    begun_by = request_id.set("req-1")
    order = await bought(checkouts, buyer)
    async with database.begin() as tx:
        await orders.settle(tx, [Verdict(order.id, True, "pay_1", None, "", "req-2")])
    request_id.reset(begun_by)
    parts = await database.fetch("SELECT store_id, status FROM fulfilments")
    history = await database.fetch(
        "SELECT from_status, to_status, actor, actor_id, request_id"
        " FROM order_status_history ORDER BY id"
    )

    assert {row["store_id"]: row["status"] for row in parts} == {
        shop.default_store: "paid",
        elsewhere: "paid",
    }
    assert [tuple(row.values()) for row in history] == [
        (None, "pending", "buyer", buyer, "req-1"),
        ("pending", "paid", "system", None, "req-2"),
    ]


async def test_the_outbox_row_is_the_event_that_contracts_define(
    shop: Shop, carts: PostgresCarts, checkouts: Checkouts, database: PostgresDatabase
) -> None:
    lamp = await shop.product(price="10.50")
    buyer = await shop.buyer()
    await carts.add(buyer, lamp, 4)
    begun_by = request_id.set("req-2")
    order = await bought(checkouts, buyer)
    request_id.reset(begun_by)
    row = await database.fetch_one("SELECT message_id, topic, aggregate_id, payload FROM outbox")
    assert row is not None
    event = OrderCreated.decode(seal(row["payload"], "k"))

    assert event == OrderCreated(
        message_id=row["message_id"],
        order_id=order.id,
        user_id=str(buyer),
        total_amount=Money(4200),
        currency="IDR",
        request_id="req-2",
    )
    assert (row["topic"], row["aggregate_id"]) == (ORDER_CREATED, str(order.id))
    assert all(isinstance(member, str) for member in row["payload"].values())
    assert row["payload"]["total_amount"] == row["payload"]["amount"] == "42"
    assert row["payload"]["occurred_at"].endswith("Z")


async def test_stock_that_no_longer_fits_is_capped_and_booked(
    shop: Shop,
    carts: PostgresCarts,
    checkouts: Checkouts,
    orders: PostgresOrders,
    database: PostgresDatabase,
) -> None:
    lamp = await shop.product(stock=5)
    (buyer,) = await buyers_with(shop, carts, 1, lamp)
    order = await bought(checkouts, buyer)
    await shop.restock(lamp, 2**31 - 1)
    async with database.begin() as tx:
        await orders.settle(tx, [Verdict(order.id, False, "pay_1", None, "no")])
        await orders.restock(tx, order.id)

    assert await shop.stock(lamp) == 2**31 - 1


class LosesAnswers:
    """The real database, but the connection is lost around the first `times` checkouts."""

    def __init__(self, behind: PostgresDatabase, *, times: int, committed: bool) -> None:
        self.behind = behind
        self.times = times
        self.committed = committed
        self.begin = behind.begin
        self.fetch_one = behind.fetch_one
        self.execute = behind.execute

    async def fetch(self, sql: str, *args: object) -> Sequence[Row]:
        if sql is not CHECKOUT or self.times == 0:
            return await self.behind.fetch(sql, *args)
        self.times -= 1
        if self.committed:
            await self.behind.fetch(sql, *args)
        raise OutcomeUnknown


@pytest.mark.parametrize("committed", [True, False])
async def test_h25_a_lost_answer_to_the_commit_never_makes_a_second_order(
    shop: Shop, carts: PostgresCarts, database: PostgresDatabase, committed: bool
) -> None:
    flaky = LosesAnswers(database, times=1, committed=committed)
    checkouts = OneByOne(
        PostgresCheckouts(flaky, PostgresOrderReads(database), TimeOrderedIds(), "IDR")
    )
    lamp = await shop.product()
    (buyer,) = await buyers_with(shop, carts, 1, lamp)
    placed = accepted(await checkouts.place(wish(buyer)))

    assert placed.order.status is Status.PENDING
    assert placed.cart_version == (await carts.get(buyer)).version
    assert await shop.number("SELECT count(*) FROM orders") == 1
    assert await shop.stock(lamp) == 9


async def test_a_database_that_stays_away_is_said_so(
    shop: Shop, carts: PostgresCarts, database: PostgresDatabase
) -> None:
    flaky = LosesAnswers(database, times=2, committed=False)
    checkouts = OneByOne(
        PostgresCheckouts(flaky, PostgresOrderReads(database), TimeOrderedIds(), "IDR")
    )
    (buyer,) = await buyers_with(shop, carts, 1, await shop.product())
    with pytest.raises(Unavailable):
        await checkouts.place(wish(buyer))

    assert len((await carts.get(buyer)).lines) == 1


async def test_a_checkout_that_never_reached_the_database_is_not_looked_up(
    shop: Shop, carts: PostgresCarts, clone: PostgresSettings
) -> None:
    settings = replace(clone, role="store_app", pool_size=1, pool_wait_s=0.05)
    full = await PostgresDatabase.open(settings)
    checkouts = OneByOne(in_postgres(full))
    (buyer,) = await buyers_with(shop, carts, 1, await shop.product())
    async with full.begin():
        with pytest.raises(Unavailable) as refused:
            await checkouts.place(wish(buyer))
    asked = full.statements
    await full.close()

    assert (type(refused.value), asked) == (Unavailable, 0)


async def test_a_checkout_whose_caller_gives_up_leaves_nothing_half_done(
    shop: Shop, carts: PostgresCarts, clone: PostgresSettings, owner: PostgresDatabase
) -> None:
    """The row of the product is held by somebody else; the deadline of the request passes."""
    narrow = await PostgresDatabase.open(replace(clone, role="store_app", pool_size=1))
    checkouts = OneByOne(in_postgres(narrow))
    lamp = await shop.product()
    (buyer,) = await buyers_with(shop, carts, 1, lamp)
    async with owner.begin() as tx:
        await tx.execute("SELECT 1 FROM products WHERE id = $1 FOR UPDATE", lamp)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await checkouts.place(wish(buyer))
    order = await bought(checkouts, buyer)
    await narrow.close()

    assert isinstance(order.id, UUID)
    assert await shop.number("SELECT count(*) FROM orders") == 1


async def test_who_is_served_does_not_depend_on_who_is_refused(
    shop: Shop, carts: PostgresCarts, checkouts: Checkouts, database: PostgresDatabase
) -> None:
    """Any mixture of carts over few units: never more sold than there is, never half a cart."""
    await warm_up(database)
    rng = random.Random(7)  # noqa: S311  a mixture, no secret
    products = [await shop.product(stock=rng.randint(3, 12)) for _ in range(4)]
    stock = {product: await shop.stock(product) for product in products}
    buyers = [await shop.buyer() for _ in range(40)]
    for buyer in buyers:
        for product in rng.sample(products, rng.randint(1, 4)):
            await carts.add(buyer, product, rng.randint(1, 3))
    results = await asyncio.gather(
        *(bought(checkouts, buyer) for buyer in buyers), return_exceptions=True
    )
    made = [result for result in results if isinstance(result, Order)]
    sold = Counter(dict.fromkeys(products, 0))
    for order in made:
        sold.update({item.product_id: item.quantity for item in order.items})

    assert all(isinstance(result, Order | OutOfStock) for result in results)
    assert {p: stock[p] - sold[p] for p in products} == {p: await shop.stock(p) for p in products}
    for buyer, result in zip(buyers, results, strict=True):
        assert bool((await carts.get(buyer)).lines) is isinstance(result, OutOfStock)
