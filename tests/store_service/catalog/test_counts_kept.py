"""What a process remembers of lists: which counts and pages, for how long, and who must wait."""

import asyncio
from dataclasses import replace

import pytest

from pasar.kit.database import Tx
from pasar.kit.postgres import PostgresDatabase
from pasar.store_service.catalog import postgres_search
from pasar.store_service.catalog.model import ProductFilter
from pasar.store_service.catalog.postgres_search import Count, PostgresProductSearch, Values
from tests.store_service.shop import Shop

LAMP = ProductFilter(search="lamp")


@pytest.fixture
def shop(owner: PostgresDatabase) -> Shop:
    return Shop(owner)


@pytest.fixture
def search(database: PostgresDatabase) -> PostgresProductSearch:
    return PostgresProductSearch(database, timeout_s=5)


async def test_what_a_crowd_asks_for_first_is_counted_once(
    shop: Shop, search: PostgresProductSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = 0
    count = postgres_search._counted

    async def counted(tx: Tx, values: Values) -> Count:
        nonlocal counts
        counts += 1
        return await count(tx, values)

    monkeypatch.setattr(postgres_search, "_counted", counted)
    await shop.product()
    crowd = await asyncio.gather(*(search.find(LAMP, 0, 10) for _ in range(30)))

    assert {found.total for found in crowd} == {1}
    assert counts == 1


async def test_when_the_first_of_a_crowd_gives_up_the_others_count_for_themselves(
    shop: Shop, search: PostgresProductSearch
) -> None:
    await shop.product()
    first = asyncio.create_task(search.find(LAMP, 0, 10))
    others = [asyncio.create_task(search.find(LAMP, 0, 10)) for _ in range(5)]
    await asyncio.sleep(0)
    first.cancel()

    assert [found.total for found in await asyncio.gather(*others)] == [1] * 5
    assert search.counting == {}


async def test_a_change_of_other_products_leaves_a_page_as_it_was_read(
    shop: Shop, search: PostgresProductSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    lamp, vase = await shop.product(), await shop.product(name="Vase")
    before = await search.find(LAMP, 0, 10)
    monkeypatch.setattr(postgres_search, "COUNT", "SELECT 1 / 0")
    with monkeypatch.context() as reading:
        reading.setattr(postgres_search, "_page", lambda _wanted, _total: "SELECT 1 / 0")
        await shop.reprice(vase, "3")

        assert await search.find(LAMP, 0, 10) == before
    await shop.reprice(lamp, "3")
    assert await search.find(replace(LAMP, max_price=None), 0, 10) == before


@pytest.mark.parametrize(("bound", "value"), [("MOST_CHANGES", 3), ("COUNTED_ANEW_S", 0.0)])
async def test_after_too_many_changes_or_too_long_it_is_counted_anew(
    shop: Shop,
    search: PostgresProductSearch,
    monkeypatch: pytest.MonkeyPatch,
    bound: str,
    value: float,
) -> None:
    """Going through a bulk import is no quicker, and what was noted long ago is swept away."""
    lamps = [await shop.product(), await shop.product()]
    await search.find(LAMP, 0, 10)
    for lamp in lamps:
        await shop.reprice(lamp, "3")  # noted twice each
    await shop.database.execute("UPDATE product_changes SET delta = -1")
    monkeypatch.setattr(postgres_search, bound, value)

    assert (await search.find(LAMP, 0, 10)).total == 2


async def test_what_strangers_search_for_does_not_fill_the_memory(
    shop: Shop, database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_search, "MOST_KEPT", 2)
    search = PostgresProductSearch(database, timeout_s=5)
    await shop.product()
    await search.find(ProductFilter(search="x" * 101), 0, 10)
    assert search.counts.get(postgres_search._values(ProductFilter(search="x" * 101))) is None

    for text in ("a", "b", "c"):
        await search.find(ProductFilter(search=text), 0, 10)
    kept = [
        search.counts.get(postgres_search._values(ProductFilter(search=text))) for text in "abc"
    ]
    assert [each is not None for each in kept] == [False, True, True]
