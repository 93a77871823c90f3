"""Reads that wait together are one statement, and everybody gets what was asked for."""

import asyncio
from collections.abc import Sequence
from uuid import uuid4

import pytest

from pasar.kit.errors import Unavailable
from pasar.kit.ids import TimeOrderedIds
from pasar.kit.postgres import PostgresDatabase
from pasar.store_service.cart.postgres import PostgresCarts
from pasar.store_service.identity import UserId
from pasar.store_service.orders.combining import SHORT_PAGE, CombiningReads
from pasar.store_service.orders.model import OrderId, OrderNotFound, OrderPage, Wish
from pasar.store_service.orders.postgres import PostgresCheckouts
from pasar.store_service.orders.postgres_reads import PostgresOrderReads
from pasar.store_service.orders.repository import BuyersPage
from pasar.store_service.orders.rules import accepted
from tests.fakes.checkouts import OneByOne
from tests.store_service.shop import Shop

BUYERS = 6


@pytest.fixture
def alone(database: PostgresDatabase) -> PostgresOrderReads:
    return PostgresOrderReads(database)


@pytest.fixture
def together(alone: PostgresOrderReads) -> CombiningReads:
    return CombiningReads(alone)


@pytest.fixture
async def orders(
    owner: PostgresDatabase, database: PostgresDatabase, alone: PostgresOrderReads
) -> dict[UserId, list[OrderId]]:
    """The first buyer has no order, the second one, and so on; the newest comes first."""
    shop = Shop(owner)
    lamp = await shop.product(stock=100)
    buyers = [await shop.buyer() for _ in range(BUYERS)]
    checkouts = OneByOne(PostgresCheckouts(database, alone, TimeOrderedIds(), "IDR"))

    async def bought(buyer: UserId) -> OrderId:
        await PostgresCarts(database, 10).add(buyer, lamp, 1)
        wish = Wish(OrderId(uuid4()), buyer, "A 1", None, "r-1")
        return accepted(await checkouts.place(wish)).order.id

    made = {buyer: [await bought(buyer) for _ in range(n)] for n, buyer in enumerate(buyers)}
    return {buyer: ids[::-1] for buyer, ids in made.items()}


async def test_pages_that_wait_are_one_statement_and_each_is_its_buyers(
    database: PostgresDatabase, together: CombiningReads, orders: dict[UserId, list[OrderId]]
) -> None:
    before = database.statements
    asked = [(buyer, 2, offset) for buyer in orders for offset in (0, 1)]
    pages = await asyncio.gather(*(together.page_of_buyer(*each) for each in asked))

    assert database.statements - before == 1
    assert [[order.id for order in page.orders] for page in pages] == [
        orders[buyer][offset : offset + 2] for buyer, _, offset in asked
    ]
    assert [page.total for page in pages] == [len(orders[buyer]) for buyer, _, _ in asked]


async def test_orders_that_wait_are_one_statement_and_a_missing_one_is_missed_by_its_reader_only(
    database: PostgresDatabase, together: CombiningReads, orders: dict[UserId, list[OrderId]]
) -> None:
    there = [order for each in orders.values() for order in each]
    asked = [*there, OrderId(uuid4()), *there]
    before = database.statements
    found = await asyncio.gather(*map(together.get, asked), return_exceptions=True)

    assert database.statements - before == 1
    assert [type(each) for each in found if isinstance(each, Exception)] == [OrderNotFound]
    assert [each.id for each in found if not isinstance(each, BaseException)] == there * 2


async def test_a_long_page_keeps_nobody_waiting(
    database: PostgresDatabase, together: CombiningReads, orders: dict[UserId, list[OrderId]]
) -> None:
    before = database.statements
    asked = [(buyer, SHORT_PAGE, 1) for buyer in orders]
    pages = await asyncio.gather(*(together.page_of_buyer(*each) for each in asked))

    assert database.statements - before == BUYERS
    assert [len(page.orders) for page in pages] == [0, 0, 1, 2, 3, 4]


class Away(PostgresOrderReads):
    """A database that is not there, and how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def pages_of_buyers(self, wanted: Sequence[BuyersPage]) -> Sequence[OrderPage]:
        self.asked += 1
        await asyncio.sleep(0)
        raise Unavailable(reason=f"database: refused {len(wanted)}")


async def test_a_database_that_is_away_is_not_asked_again_for_each_of_them() -> None:
    away = Away()
    reads = CombiningReads(away)
    answers = await asyncio.gather(
        *(reads.page_of_buyer(UserId(uuid4()), 10, 0) for _ in range(9)), return_exceptions=True
    )

    assert {(type(each), str(each)) for each in answers} == {(Unavailable, "service unavailable")}
    assert away.asked == 1
