"""What the lists of orders cost: one statement each, and pages that an index has sorted."""

from uuid import uuid4

import pytest

from pasar.kit.ids import TimeOrderedIds
from pasar.kit.postgres import PostgresDatabase
from pasar.store_service.cart.postgres import PostgresCarts
from pasar.store_service.orders.model import OrderId, Wish
from pasar.store_service.orders.postgres import PostgresCheckouts
from pasar.store_service.orders.postgres_reads import (
    PAGE_OF_SELLER,
    PAGES_OF_BUYERS,
    PostgresOrderReads,
)
from pasar.store_service.orders.rules import accepted
from tests.fakes.checkouts import OneByOne
from tests.store_service.shop import Shop


async def test_each_list_is_one_statement_however_many_orders(
    owner: PostgresDatabase, database: PostgresDatabase
) -> None:
    shop, reads = Shop(owner), PostgresOrderReads(database)
    buyer, lamp = await shop.buyer(), await shop.product()
    checkouts = OneByOne(PostgresCheckouts(database, reads, TimeOrderedIds(), "IDR"))
    for _ in range(3):
        await PostgresCarts(database, 10).add(buyer, lamp, 1)
        accepted(
            await checkouts.place(Wish(OrderId(TimeOrderedIds().new()), buyer, "A 1", None, "r-1"))
        )
    assert shop.default_store
    seller = await shop.seller(shop.default_store)
    before = database.statements
    bought = await reads.page_of_buyer(buyer, 3, 0)
    sold = await reads.page_of_seller(seller, 3, 0)

    assert database.statements - before == 2
    assert [order.id for order in bought.orders] == [order.id for order in sold.orders]


@pytest.mark.parametrize(
    ("sql", "values", "index"),
    [
        (PAGES_OF_BUYERS, ([uuid4()], [10], [0]), "idx_orders_user_newest"),
        (PAGE_OF_SELLER, (uuid4(), 10, 0), "idx_fulfilments_store_newest"),
    ],
)
async def test_the_newest_come_from_an_index_without_sorting_the_rest(
    database: PostgresDatabase, sql: str, values: tuple[object, ...], index: str
) -> None:
    """As planned for large tables: small ones are read whole, whatever the indexes."""
    async with database.begin() as tx:
        for other_way in ("seqscan", "bitmapscan", "sort"):
            await tx.execute(f"SET LOCAL enable_{other_way} = off")
        rows = await tx.fetch(f"EXPLAIN {sql}", *values)
    plan = [row["QUERY PLAN"] for row in rows]
    limit = next(number for number, line in enumerate(plan) if "Limit" in line)

    assert f"Index Scan Backward using {index}" in plan[limit + 1]
