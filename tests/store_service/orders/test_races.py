"""Orders that several people change at the same moment, on the real database."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import pytest

from pasar.kit.ids import TimeOrderedIds
from pasar.kit.log import request_id
from pasar.kit.postgres import PostgresDatabase
from pasar.store_service.cart.postgres import PostgresCarts
from pasar.store_service.catalog.model import ProductId
from pasar.store_service.identity import UserId
from pasar.store_service.orders.model import Order, Status, TooLateToCancel, Verdict
from pasar.store_service.orders.postgres import PostgresCheckouts
from pasar.store_service.orders.postgres_orders import PostgresOrders
from pasar.store_service.orders.postgres_reads import PostgresOrderReads
from pasar.store_service.orders.service import OrderService, SellerOrderService
from pasar.store_service.stores.model import StoreId
from pasar.store_service.stores.postgres import PostgresStores
from tests.fakes.carts import MemoryCarts
from tests.fakes.checkouts import OneByOne
from tests.store_service.shop import Shop, warm_up

WAY = [status.value for status in Status][1:6]


# An order that was said to be somewhere before one of its parts was.
AHEAD_OF_A_PART = """
SELECT count(*) FROM order_status_history o JOIN order_status_history part USING (order_id)
WHERE o.store_id IS NULL AND part.store_id IS NOT NULL
    AND o.to_status = part.to_status AND o.id < part.id
"""


class NothingCopied:
    async def drop(self, versions: Mapping[ProductId, int]) -> None:
        """There are no copies."""


@dataclass
class Market:
    """Two stores with one product each; orders are of both."""

    shop: Shop
    database: PostgresDatabase
    orders: OrderService
    sellers: SellerOrderService
    reads: PostgresOrderReads
    products: Mapping[StoreId, ProductId]
    owners: Mapping[StoreId, UserId]

    async def paid(self) -> Order:
        buyer = await self.shop.buyer()
        carts = PostgresCarts(self.database, 1000)
        for product_id in self.products.values():
            await carts.add(buyer, product_id, 1)
        order = await self.orders.checkout(buyer, "Jalan Pasar 1", None)
        async with self.database.begin() as tx:
            await self.orders.settle(tx, [Verdict(order.id, True, "pay_1", None, "")])
        return order

    async def all_move(self, order: Order, *ways: str) -> None:
        for seller in self.owners.values():
            for wanted in ways:
                await self.sellers.move(seller, order.id, wanted)

    async def stock(self) -> list[int]:
        return [await self.shop.stock(product) for product in self.products.values()]


@pytest.fixture
async def market(owner: PostgresDatabase, database: PostgresDatabase) -> AsyncIterator[Market]:
    shop = Shop(owner)
    stores = [await shop.store(), await shop.store()]
    reads, orders = PostgresOrderReads(database), PostgresOrders()
    yield Market(
        shop,
        database,
        OrderService(
            database,
            OneByOne(PostgresCheckouts(database, reads, TimeOrderedIds(), "IDR")),
            orders,
            reads,
            MemoryCarts({}),
            NothingCopied(),
            lambda: None,
            TimeOrderedIds(),
        ),
        SellerOrderService(database, orders, reads, PostgresStores(database)),
        reads,
        {store: await shop.product(store=store, stock=1000) for store in stores},
        {store: await shop.seller(store) for store in stores},
    )

    assert await shop.broken_books() == []


async def outcomes(*works: Awaitable[None]) -> Counter[str]:
    """Run all at once and count what came of them, by type."""
    results = await asyncio.gather(*works, return_exceptions=True)
    return Counter(type(result).__name__ for result in results)


async def test_h18_of_twenty_simultaneous_cancels_one_succeeds_and_the_stock_is_back_once(
    market: Market,
) -> None:
    await warm_up(market.database)
    order = await market.paid()
    before = await market.stock()
    counted = await outcomes(*(market.orders.cancel(order.user_id, order.id) for _ in range(20)))

    assert counted == {"NoneType": 1, "TooLateToCancel": 19}
    assert (before, await market.stock()) == ([999, 999], [1000, 1000])


async def test_h18_a_cancel_against_shipping_is_never_both(market: Market) -> None:
    """300 orders at processing; in each the buyer and one seller act at the same moment."""
    await warm_up(market.database)
    seller, _ = market.owners.values()
    ends: Counter[tuple[str, ...]] = Counter()

    async def contest() -> None:
        order = await market.paid()
        await market.all_move(order, "processing")
        moves = [
            market.orders.cancel(order.user_id, order.id),
            market.sellers.move(seller, order.id, "shipping"),
        ]
        if random.random() < 0.5:  # noqa: S311  who comes first, no secret
            moves.reverse()
        told = await outcomes(*moves)
        status = (await market.reads.get(order.id)).status
        ends[(*sorted(told), status)] += 1

    for _ in range(30):
        await asyncio.gather(*(contest() for _ in range(10)))
    cancelled = ends["NoneType", "NotYetOrNoLonger", Status.CANCELLED]
    shipped = ends["NoneType", "TooLateToCancel", Status.PROCESSING]

    assert cancelled + shipped == 300
    assert min(cancelled, shipped) > 0
    assert await market.stock() == [1000 - shipped] * 2


async def test_h19_two_sellers_race_and_the_order_is_always_the_slower_one(
    market: Market,
) -> None:
    """Each goes the whole way by itself; the books, asked at the end, know every gap."""
    await warm_up(market.database)
    orders = [await market.paid() for _ in range(200)]

    async def whole_way(seller: UserId, order: Order) -> None:
        for wanted in WAY[1:]:
            await market.sellers.move(seller, order.id, wanted)

    for start in range(0, 200, 10):
        await asyncio.gather(
            *(
                whole_way(seller, order)
                for order in orders[start : start + 10]
                for seller in market.owners.values()
            )
        )
    ends = {(await market.reads.get(order.id)).status for order in orders}

    assert ends == {Status.COMPLETED}
    assert await market.shop.number(AHEAD_OF_A_PART) == 0


async def test_h19_of_twenty_equal_steps_one_is_taken(market: Market) -> None:
    await warm_up(market.database)
    order = await market.paid()
    seller, _ = market.owners.values()
    counted = await outcomes(
        *(market.sellers.move(seller, order.id, "processing") for _ in range(20))
    )

    assert counted == {"NoneType": 1, "NotTheNextStep": 19}


async def test_d27_each_step_leaves_a_row_for_the_part_and_one_when_the_order_moves(
    market: Market,
) -> None:
    order = await market.paid()
    begun_by = request_id.set("req-3")
    for wanted in WAY[1:3]:
        await market.all_move(order, wanted)
    with pytest.raises(TooLateToCancel, match=r"status shipping$"):
        await market.orders.cancel(order.user_id, order.id)
    request_id.reset(begun_by)
    rows = await market.database.fetch(
        "SELECT store_id, from_status, to_status, actor_id FROM order_status_history"
        " WHERE actor = 'seller' AND request_id = 'req-3' ORDER BY id"
    )
    (one, first), (other, second) = market.owners.items()
    expected = [
        step
        for before, after in pairwise(WAY[:3])
        for step in (
            (one, before, after, first),
            (other, before, after, second),
            (None, before, after, second),
        )
    ]

    assert [tuple(row.values()) for row in rows] == expected


async def test_a_cancel_leaves_its_buyer_in_the_history_and_the_reason_in_the_order(
    market: Market,
) -> None:
    order = await market.paid()
    await market.orders.cancel(order.user_id, order.id)
    row = await market.database.fetch_one(
        "SELECT h.store_id, from_status, actor, actor_id, cancel_reason"
        " FROM order_status_history h JOIN orders o ON o.id = h.order_id"
        " WHERE to_status = 'cancelled'"
    )

    assert row
    assert tuple(row.values()) == (None, "paid", "buyer", order.user_id, "buyer")


async def test_d27_an_order_of_the_earlier_service_without_items_is_its_own_status(
    market: Market, owner: PostgresDatabase
) -> None:
    """It has no part, so the order itself says whether it may still be cancelled."""
    buyer = await market.shop.buyer()
    row = await owner.fetch_one(
        "INSERT INTO orders (user_id, status, total_amount, adopted)"
        " VALUES ($1, 'shipped', 0, true) RETURNING id",
        buyer,
    )
    assert row
    with pytest.raises(TooLateToCancel, match=r"status shipped$"):
        await market.orders.cancel(buyer, row["id"])
    await owner.execute("DELETE FROM orders WHERE id = $1", row["id"])
