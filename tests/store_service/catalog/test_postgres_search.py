"""Finding products: what matches, in which order, for how long; by which index: test_plans.py."""

from dataclasses import replace
from uuid import uuid4

import pytest

from pasar.kit.errors import Unavailable
from pasar.kit.money import Money
from pasar.kit.postgres import PostgresDatabase
from pasar.store_service.catalog.model import CategoryId, Found, ProductFilter, ProductId, Sort
from pasar.store_service.catalog.postgres_search import PostgresProductSearch
from tests.store_service.shop import Shop


@pytest.fixture
def shop(owner: PostgresDatabase) -> Shop:
    return Shop(owner)


@pytest.fixture
def search(database: PostgresDatabase) -> PostgresProductSearch:
    return PostgresProductSearch(database, timeout_s=5)


async def ids(search: PostgresProductSearch, wanted: ProductFilter) -> list[ProductId]:
    found = await search.find(wanted, 0, 100)
    assert found.total == len(found.product_ids)
    return list(found.product_ids)


async def described(owner: PostgresDatabase, product_id: ProductId, text: str | None) -> None:
    sql = "UPDATE products SET description = $2 WHERE id = $1"
    await owner.execute(sql, product_id, text)


async def test_the_newest_comes_first_and_deleted_ones_never(
    shop: Shop, search: PostgresProductSearch
) -> None:
    old, gone, new = [await shop.product() for _ in range(3)]
    await shop.delete(gone)

    assert await ids(search, ProductFilter()) == [new, old]
    assert await ids(search, ProductFilter(ascending=True)) == [old, new]


async def test_filters_combine(shop: Shop, search: PostgresProductSearch) -> None:
    other = await shop.store()
    cheap = await shop.product(price="9.99", name="Lamp")
    dear = await shop.product(price="10", name="Lamp")
    foreign = await shop.product(price="10", name="Lamp", store=other)
    vase = await shop.product(price="10", name="Vase")
    ten, lamp = Money(1000), ProductFilter(search="lamp")

    assert set(await ids(search, lamp)) == {cheap, dear, foreign}
    assert set(await ids(search, replace(lamp, min_price=ten))) == {dear, foreign}
    assert await ids(search, replace(lamp, max_price=Money(999))) == [cheap]
    assert await ids(search, replace(lamp, min_price=ten, store_id=other)) == [foreign]
    assert set(await ids(search, ProductFilter(min_price=ten, max_price=ten))) == {
        dear, foreign, vase
    }  # fmt: skip
    assert await ids(search, ProductFilter(category_id=CategoryId(uuid4()))) == []


@pytest.mark.parametrize("sort", [Sort.CREATED_AT, Sort.PRICE, Sort.NAME])
@pytest.mark.parametrize("ascending", [True, False])
async def test_d38_pages_of_equal_products_hold_each_once(
    shop: Shop,
    owner: PostgresDatabase,
    search: PostgresProductSearch,
    sort: Sort,
    ascending: bool,
) -> None:
    made = sorted([await shop.product() for _ in range(7)], reverse=not ascending)
    await owner.execute("UPDATE products SET created_at = now()")
    wanted = ProductFilter(sort=sort, ascending=ascending)
    pages = [await search.find(wanted, offset, 3) for offset in (0, 3, 6)]

    assert [each for page in pages for each in page.product_ids] == made
    assert [page.total for page in pages] == [7, 7, 7]


async def test_prices_and_names_are_ordered(shop: Shop, search: PostgresProductSearch) -> None:
    nine, ten = await shop.product(price="9", name="b"), await shop.product(price="10", name="a")

    assert await ids(search, ProductFilter(sort=Sort.PRICE, ascending=True)) == [nine, ten]
    assert await ids(search, ProductFilter(sort=Sort.NAME, ascending=True)) == [ten, nine]


@pytest.mark.parametrize("text", ["%", "_", "\\", "50%", "a_b", "\\%"])
async def test_d38_wildcards_are_letters(
    shop: Shop, search: PostgresProductSearch, text: str
) -> None:
    wanted = await shop.product(name=f"Lamp {text} lamp")
    await shop.product(name="Lamp 500 aab lamp")

    assert await ids(search, ProductFilter(search=text)) == [wanted]


async def test_a_substring_is_found_in_name_and_description_in_any_case(
    shop: Shop, owner: PostgresDatabase, search: PostgresProductSearch
) -> None:
    named, told, silent = [await shop.product(name=name) for name in ("ÉCLAIR", "b", "c")]
    await described(owner, told, "with an éclair on top")
    await described(owner, silent, None)

    assert await ids(search, ProductFilter(search="Éclai")) == [told, named]


async def test_a_long_search_is_matched_to_its_end(
    shop: Shop, owner: PostgresDatabase, search: PostgresProductSearch
) -> None:
    """Of a long text the index is asked for the beginning only."""
    text = "All about this lamp, " * 10
    lamp = await shop.product()
    await described(owner, lamp, f"{text}the end.")

    assert await ids(search, ProductFilter(search=f"{text.upper()}the END")) == [lamp]
    assert await ids(search, ProductFilter(search=f"{text}another end")) == []


async def test_by_relevance_names_come_before_descriptions_and_words_are_enough(
    shop: Shop, owner: PostgresDatabase, search: PostgresProductSearch
) -> None:
    part, told, named = [await shop.product(name=name) for name in ("Xlampy", "Vase", "Lamps")]
    await described(owner, told, "goes well with lamps")
    wanted = ProductFilter(search="lamp", sort=Sort.RELEVANCE)

    assert await ids(search, wanted) == [named, told, part]
    assert await ids(search, replace(wanted, search="lamps vase")) == [told]
    assert await ids(search, ProductFilter(search="lamps vase")) == []


async def test_d37_past_the_end_no_page_is_read(
    shop: Shop, database: PostgresDatabase, search: PostgresProductSearch
) -> None:
    await shop.product()
    await search.find(ProductFilter(), 0, 1)
    before = database.statements
    found = await search.find(ProductFilter(), 2_147_483_646 * 100, 100)

    assert found == Found((), 1)
    assert database.statements - before == 2  # the terms and the count


async def test_h38_a_search_that_takes_too_long_is_given_up(
    shop: Shop, owner: PostgresDatabase, database: PostgresDatabase
) -> None:
    await shop.product()
    async with owner.begin() as tx:
        await tx.execute("LOCK TABLE products IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(Unavailable):
            await PostgresProductSearch(database, timeout_s=0.05).find(ProductFilter(), 0, 1)

    found = await PostgresProductSearch(database, timeout_s=5).find(ProductFilter(), 0, 1)
    assert found.total == 1
