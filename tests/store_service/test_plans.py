"""With 100,000 products and orders each list and each search is read by the index made for it."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest

from bench.plant import ORDERS_OF_BUYER, STORES, numbered
from pasar.kit.postgres import PostgresDatabase, PostgresSettings
from pasar.store_service.catalog.model import CategoryId, ProductFilter, Sort
from pasar.store_service.catalog.postgres_search import (
    COUNT,
    FEW,
    MOST_CHANGES,
    SINCE,
    TERMS,
    PostgresProductSearch,
    _page,
    _values,
)
from pasar.store_service.orders.postgres_reads import PAGE_OF_SELLER, PAGES_OF_BUYERS
from pasar.store_service.stores.model import StoreId
from tests.fixtures.scale import ROWS

STORE = StoreId(numbered("shop", 7))
CATEGORY = CategoryId(numbered("kind", 7))
RARE = ProductFilter(search="99999")
COMMON = ProductFilter(search="kopi")

HELPERS = """
SELECT parallel_workers_launched AS launched FROM pg_stat_database
WHERE datname = current_database()
"""


@pytest.fixture
async def shop(large: PostgresSettings) -> AsyncGenerator[PostgresDatabase]:
    opened = await PostgresDatabase.open(replace(large, pool_size=1))
    yield opened
    await opened.close()


async def plan(shop: PostgresDatabase, sql: str, *values: object) -> str:
    async with shop.begin() as tx:
        await tx.execute(TERMS, "60000")
        lines = await tx.fetch(f"EXPLAIN {sql}", *values)
    return "\n".join(line["QUERY PLAN"] for line in lines)


async def lasting_plan(shop: PostgresDatabase, sql: str, *types: str) -> str:
    """Return the plan that a session makes once, for whatever values come."""
    async with shop.begin() as tx:
        await tx.execute(f"PREPARE lasting ({', '.join(types)}) AS {sql}")
        nothing = ", ".join(["NULL"] * len(types))
        lines = await tx.fetch(f"EXPLAIN EXECUTE lasting ({nothing})")
        await tx.execute("DEALLOCATE lasting")
    return "\n".join(line["QUERY PLAN"] for line in lines)


async def page_plan(
    shop: PostgresDatabase, wanted: ProductFilter, total: int, offset: int = 0
) -> str:
    return await plan(shop, _page(wanted, total), *_values(wanted), 10, offset)


@pytest.mark.parametrize(
    ("sort", "index"),
    [
        (Sort.CREATED_AT, "idx_products_newest"),
        (Sort.PRICE, "idx_products_price"),
        (Sort.NAME, "idx_products_name"),
    ],
)
@pytest.mark.parametrize("offset", [0, 990])
async def test_d38_a_page_of_all_products_comes_in_the_order_of_an_index(
    shop: PostgresDatabase, sort: Sort, index: str, offset: int
) -> None:
    text = await page_plan(shop, ProductFilter(sort=sort), ROWS, offset)

    assert f"using {index} on" in text
    assert "Sort" not in text


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (ProductFilter(store_id=STORE), "idx_products_store_id"),
        (ProductFilter(category_id=CATEGORY), "idx_products_category_id"),
        (RARE, "idx_products_substring"),
        (replace(RARE, sort=Sort.RELEVANCE), "idx_products_words"),
        (COMMON, "idx_products_substring"),
    ],
)
async def test_what_is_asked_for_is_counted_by_its_index(
    shop: PostgresDatabase, wanted: ProductFilter, index: str
) -> None:
    assert index in await plan(shop, COUNT, *_values(wanted))


async def test_what_has_changed_since_a_count_is_found_among_a_hundred_thousand_changes(
    shop: PostgresDatabase,
) -> None:
    (now,) = await shop.fetch(COUNT, *_values(COMMON))
    moment = (now["as_of"], now["counted_at"], MOST_CHANGES, 60.0)
    text = await plan(shop, SINCE, *_values(COMMON), *moment)

    assert "using idx_product_changes_xact on" in text


@pytest.mark.parametrize(
    ("wanted", "total", "index"),
    [
        (ProductFilter(store_id=STORE), 1000, "idx_products_store_id"),
        (ProductFilter(category_id=CATEGORY), 1000, "idx_products_category_id"),
        (RARE, 1, "idx_products_substring"),
        (COMMON, FEW + 1, "idx_products_newest"),
    ],
)
async def test_few_matches_are_sorted_and_of_many_the_first_are_met_on_the_way(
    shop: PostgresDatabase, wanted: ProductFilter, total: int, index: str
) -> None:
    assert index in await page_plan(shop, wanted, total)


async def test_h38_a_text_that_all_products_hold_is_not_looked_up_letter_by_letter(
    shop: PostgresDatabase,
) -> None:
    """The index would name each product once for each three letters: three times the work."""
    everywhere = ProductFilter(search="for people who like")
    text = await plan(shop, COUNT, *_values(everywhere))

    assert "idx_products_substring" not in text


@pytest.mark.parametrize(
    ("search", "total"),
    [("for people who like", ROWS), ("an", ROWS), ("kopi 99", None), ("99999", 1), ("%_%_", 0)],
)
async def test_h38_what_is_found_is_counted_exactly(
    shop: PostgresDatabase, search: str, total: int | None
) -> None:
    found = await PostgresProductSearch(shop, timeout_s=60).find(
        ProductFilter(search=search), offset=0, limit=10
    )
    seen = "SELECT count(*) AS n FROM products WHERE name ILIKE $1 OR description ILIKE $1"
    escaped = search.replace("%", "\\%").replace("_", "\\_")
    truth = await shop.fetch_one(seen, f"%{escaped}%")

    assert truth is not None
    assert found.total == truth["n"]
    assert total is None or found.total >= total
    assert len(found.product_ids) == min(10, found.total)


async def test_h38_a_count_over_all_products_is_shared_by_several_processes(
    shop: PostgresDatabase,
) -> None:
    before = await shop.fetch(HELPERS)

    await PostgresProductSearch(shop, timeout_s=60).find(
        ProductFilter(search="an"), offset=0, limit=10
    )

    async with asyncio.timeout(10):  # the server publishes its figures each second
        while (await shop.fetch(HELPERS))[0]["launched"] == before[0]["launched"]:
            await asyncio.sleep(0.1)


TABLE_AS_A_WHOLE = r"Seq Scan on (orders|order_items|fulfilments)"


async def test_a_page_of_a_sellers_orders_reads_an_index_and_no_table_as_a_whole(
    shop: PostgresDatabase,
) -> None:
    text = await lasting_plan(shop, PAGE_OF_SELLER, "uuid", "bigint", "bigint")
    rows = await shop.fetch(PAGE_OF_SELLER, numbered("sell", 7), 10, 0)

    assert "idx_fulfilments_store_newest" in text
    assert not re.search(TABLE_AS_A_WHOLE, text)
    assert (len(rows), rows[0]["total"]) == (10, ROWS // STORES)


async def test_pages_of_many_buyers_read_an_index_and_no_table_as_a_whole(
    shop: PostgresDatabase,
) -> None:
    text = await lasting_plan(shop, PAGES_OF_BUYERS, "uuid[]", "bigint[]", "bigint[]")
    buyers = [numbered("user", number) for number in (7, 8)]
    rows = await shop.fetch(PAGES_OF_BUYERS, buyers, [10, 3], [0, 1])

    assert "idx_orders_user_newest" in text
    assert not re.search(TABLE_AS_A_WHOLE, text)
    assert [row["total"] for row in rows] == [ORDERS_OF_BUYER] * 2
    assert [len(json.loads(row["body"])) for row in rows] == [10, 3]
