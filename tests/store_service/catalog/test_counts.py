"""A count that is brought up to date is the one that would be made anew, whoever changes what."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID, uuid4

import pytest

from pasar.kit.ids import TimeOrderedIds
from pasar.kit.money import Money
from pasar.kit.postgres import PostgresDatabase
from pasar.store_service.catalog import postgres_search
from pasar.store_service.catalog.model import (
    CategoryId,
    Found,
    NewProduct,
    ProductEdit,
    ProductFilter,
    ProductId,
    Sort,
)
from pasar.store_service.catalog.postgres import PostgresProducts
from pasar.store_service.catalog.postgres_search import PostgresProductSearch
from tests.store_service.shop import Shop

LAMP = ProductFilter(search="lamp")
FILTERS = (
    ProductFilter(),
    LAMP,
    ProductFilter(search="a"),
    ProductFilter(search="%_%_"),
    ProductFilter(search="lamp oil", sort=Sort.RELEVANCE),
    ProductFilter(min_price=Money(1000), sort=Sort.PRICE),
    ProductFilter(max_price=Money(999), search="lamp", ascending=True),
)
NOTED = "SELECT count(*) AS n FROM product_changes"

RESTORED = """
INSERT INTO product_changes (xact, delta, store_id, category_id, name, price, words)
SELECT '9000000000000000000', delta, store_id, category_id, name, price, words FROM product_changes
"""


@pytest.fixture
def shop(owner: PostgresDatabase) -> Shop:
    return Shop(owner)


@pytest.fixture
def search(database: PostgresDatabase) -> PostgresProductSearch:
    return PostgresProductSearch(database, timeout_s=5)


async def seen(search: PostgresProductSearch, filters: Sequence[ProductFilter]) -> list[Found]:
    found = [await search.find(wanted, 0, 3) for wanted in filters]
    return [Found(tuple(each.product_ids), each.total) for each in found]


async def seen_anew(search: PostgresProductSearch, filters: Sequence[ProductFilter]) -> list[Found]:
    return await seen(PostgresProductSearch(search.database, timeout_s=5), filters)


def count_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_search, "COUNT", "SELECT 1 / 0")


CHANGES = {
    "named otherwise": "UPDATE products SET name = 'Vase' WHERE id = $1",
    "named alike": "UPDATE products SET name = name || ' lamp' WHERE id = $1",
    "described": "UPDATE products SET description = 'burns lamp oil' WHERE id = $1",
    "described no more": "UPDATE products SET description = NULL WHERE id = $1",
    "dearer": "UPDATE products SET price = 10 WHERE id = $1",
    "cheaper": "UPDATE products SET price = 9.99 WHERE id = $1",
    "older": "UPDATE products SET created_at = created_at - interval '1 d' WHERE id = $1",
    "hidden": "UPDATE products SET deleted_at = now(), category_id = NULL WHERE id = $1",
    "erased": """
        WITH entries AS (DELETE FROM stock_ledger WHERE product_id = $1)
        DELETE FROM products WHERE id = $1
    """,
    "sold": "UPDATE products SET stock = stock - 1, version = version + 1 WHERE id = $1",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
async def test_after_any_change_the_lists_are_those_that_would_be_made_anew(
    shop: Shop,
    search: PostgresProductSearch,
    monkeypatch: pytest.MonkeyPatch,
    change: str,
) -> None:
    for name, price in (("Lamp", "9.99"), ("Lamp oil", "10"), ("Vase", "11"), ("Mat", "5")):
        await shop.product(name=name, price=price)
    changed = await shop.product(name="Lamp", price="9")
    filters = (*FILTERS, *(ProductFilter(store_id=shop.default_store, sort=sort) for sort in Sort))
    await seen(search, filters)
    with monkeypatch.context() as counting:
        count_no_more(counting)
        for _ in range(2):
            await shop.database.execute(change, changed)
        after = await seen(search, filters)

    assert after == await seen_anew(search, filters)


async def test_a_seller_sees_the_own_product_in_the_list_at_once(
    shop: Shop,
    database: PostgresDatabase,
    search: PostgresProductSearch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await shop.product()
    assert (await search.find(LAMP, 0, 10)).total == 1
    count_no_more(monkeypatch)
    products = PostgresProducts(database)
    new = await products.insert(offered(shop, "Lamp shade"))
    other = await products.insert(offered(shop, "Vase"))

    assert await search.find(LAMP, 0, 1) == Found([new.id], 2)
    await products.update(other.id, ProductEdit(name="A LAMP too"))
    assert await search.find(LAMP, 0, 1) == Found([other.id], 3)
    await products.hide(other.id)
    assert await search.find(LAMP, 0, 1) == Found([new.id], 2)


def offered(shop: Shop, name: str) -> NewProduct:
    assert shop.default_store is not None
    return NewProduct(
        id=ProductId(TimeOrderedIds().new()),
        store_id=shop.default_store,
        category_id=CategoryId(shop.category or UUID(int=0)),
        name=name,
        description="",
        price=Money(100),
        stock=1,
    )


async def test_who_commits_late_is_counted_when_the_change_is_seen(
    shop: Shop,
    owner: PostgresDatabase,
    search: PostgresProductSearch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The change noted first is committed last, and one of them never."""
    slow, given_up, quick = [await shop.product() for _ in range(3)]
    totals = [(await search.find(LAMP, 0, 10)).total]
    count_no_more(monkeypatch)
    hide = CHANGES["hidden"]
    async with owner.begin() as late:
        await late.execute(hide, slow)
        totals.append((await search.find(LAMP, 0, 10)).total)
        with suppress(KeyError):
            async with owner.begin() as never:
                await never.execute(hide, given_up)
                await owner.execute(hide, quick)
                totals.append((await search.find(LAMP, 0, 10)).total)
                raise KeyError
        totals.append((await search.find(LAMP, 0, 10)).total)

    assert totals == [3, 3, 2, 2]
    assert await search.find(LAMP, 0, 10) == Found([given_up], 1)


async def test_notes_of_another_server_that_came_with_a_restored_dump_count_nothing(
    search: PostgresProductSearch, shop: Shop, owner: PostgresDatabase
) -> None:
    """Their numbers of transactions are still to come here."""
    await shop.product(name="Lamp")
    before = await seen(search, FILTERS)
    await owner.execute(RESTORED)

    assert await seen(search, FILTERS) == before
    assert await seen(search, FILTERS) == before


async def test_in_a_crowd_of_sellers_and_readers_every_count_ends_right(
    shop: Shop,
    owner: PostgresDatabase,
    search: PostgresProductSearch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    products = [await shop.product(name="Lamp") for _ in range(20)]
    await seen(search, FILTERS)
    with monkeypatch.context() as counting:
        count_no_more(counting)
        rng = random.Random(7)  # noqa: S311  for repetition
        changes = [
            owner.execute(rng.choice(list(CHANGES.values())), rng.choice(products))
            for _ in range(200)
        ]
        offers = [shop.product(name=rng.choice(["Lamp", "Vase"])) for _ in range(30)]
        reads = [seen(search, FILTERS) for _ in range(30)]
        crowd = [*changes, *offers, *reads]
        rng.shuffle(crowd)
        await asyncio.gather(*crowd)
        after = await seen(search, FILTERS)

    assert after == await seen_anew(search, FILTERS)


async def test_sales_and_stock_and_pictures_note_no_change(
    shop: Shop, database: PostgresDatabase
) -> None:
    lamp = await shop.product()
    noted = await shop.number(NOTED)
    await shop.restock(lamp, 3)
    await PostgresProducts(database).update(lamp, ProductEdit(stock=2, name="Lamp"))
    await PostgresProducts(database).set_image(lamp, f"products/{uuid4()}.png")

    assert await shop.number(NOTED) == noted


async def test_a_change_is_noted_whoever_may_make_it(
    shop: Shop, owner: PostgresDatabase, search: PostgresProductSearch
) -> None:
    lamp = await shop.product()
    assert (await search.find(LAMP, 0, 10)).total == 1
    role = f"operator_{uuid4().hex}"
    async with owner.begin() as tx:
        await tx.execute(f"CREATE ROLE {role}")
        await tx.execute(f"GRANT {role} TO CURRENT_USER")
        await tx.execute(f"GRANT SELECT, UPDATE ON products TO {role}")
        await tx.execute(f"SET LOCAL ROLE {role}")
        await tx.execute("UPDATE products SET name = 'Vase' WHERE id = $1", lamp)
        await tx.execute("RESET ROLE")
        await tx.execute(f"DROP OWNED BY {role}")
        await tx.execute(f"DROP ROLE {role}")

    assert (await search.find(LAMP, 0, 10)).total == 0
