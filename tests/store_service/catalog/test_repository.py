"""One promise, two keepers: the catalogue in memory and in PostgreSQL."""

import asyncio
from dataclasses import replace
from typing import cast
from uuid import UUID

import pytest

from pasar.kit.database import Database
from pasar.kit.ids import TimeOrderedIds
from pasar.kit.money import Money
from pasar.kit.postgres import PostgresDatabase
from pasar.store_service.accounts.model import NewUser
from pasar.store_service.accounts.postgres import PostgresUsers
from pasar.store_service.catalog.model import (
    Category,
    CategoryExists,
    CategoryId,
    CategoryNotFound,
    NewProduct,
    ProductEdit,
    ProductId,
    ProductNotFound,
    UnknownCategory,
)
from pasar.store_service.catalog.postgres import PostgresCategories, PostgresProducts
from pasar.store_service.catalog.repository import Categories, Products
from pasar.store_service.identity import Role, UserId
from pasar.store_service.stores.model import NewStore, StoreId
from pasar.store_service.stores.postgres import PostgresStores
from tests.fakes.catalog import MemoryCategories, MemoryProducts

IDS = TimeOrderedIds()
CROWD = 30


@pytest.fixture(params=["memory", "postgres"])
def categories(request: pytest.FixtureRequest) -> Categories:
    if request.param == "memory":
        return MemoryCategories()
    return PostgresCategories(cast("Database", request.getfixturevalue("database")))


@pytest.fixture
async def category_id(database: PostgresDatabase) -> CategoryId:
    return (await PostgresCategories(database).insert(CategoryId(IDS.new()), "Drinks")).id


@pytest.fixture
async def store_id(database: PostgresDatabase) -> StoreId:
    seller = NewUser(UserId(IDS.new()), "ana@example.com", "Ana", Role.SELLER, "a hash")
    await PostgresUsers(database).insert(seller)
    store = NewStore(StoreId(IDS.new()), seller.id, "Toko", "")
    async with database.begin() as tx:
        return (await PostgresStores(database).insert(tx, store)).id


@pytest.fixture(params=["memory", "postgres"])
def products(
    request: pytest.FixtureRequest, database: PostgresDatabase, category_id: CategoryId
) -> Products:
    if request.param == "memory":
        return MemoryProducts([category_id])
    return PostgresProducts(database)


def new_product(store_id: StoreId, category_id: CategoryId, stock: int = 7) -> NewProduct:
    return NewProduct(
        id=ProductId(IDS.new()),
        store_id=store_id,
        category_id=category_id,
        name="Kopi",
        description="from Aceh",
        price=Money(999_999_999_999_999),
        stock=stock,
    )


class TestCategories:
    async def test_a_category_has_the_name_it_was_given(self, categories: Categories) -> None:
        category_id = CategoryId(IDS.new())
        category = await categories.insert(category_id, " Drinks")

        assert (category.id, category.name) == (category_id, " Drinks")
        assert category.created_at == category.updated_at

    async def test_names_differ_in_letter_case_too(self, categories: Categories) -> None:
        await categories.insert(CategoryId(IDS.new()), "Drinks")
        await categories.insert(CategoryId(IDS.new()), "drinks")

        with pytest.raises(CategoryExists):
            await categories.insert(CategoryId(IDS.new()), "drinks")

    async def test_all_are_listed_by_name(self, categories: Categories) -> None:
        made = [await categories.insert(CategoryId(IDS.new()), name) for name in ("Tea", "Cocoa")]

        assert list(await categories.all()) == [made[1], made[0]]

    async def test_a_category_is_renamed_or_only_touched(self, categories: Categories) -> None:
        category = await categories.insert(CategoryId(IDS.new()), "Drinks")
        touched = await categories.update(category.id, None)
        renamed = await categories.update(category.id, "Tea")

        assert (touched.name, renamed.name) == ("Drinks", "Tea")
        assert category.updated_at < touched.updated_at < renamed.updated_at
        assert list(await categories.all()) == [renamed]

    async def test_d11_a_taken_name_is_refused_but_not_the_own(
        self, categories: Categories
    ) -> None:
        drinks = await categories.insert(CategoryId(IDS.new()), "Drinks")
        await categories.insert(CategoryId(IDS.new()), "Tea")

        assert (await categories.update(drinks.id, "Drinks")).name == "Drinks"
        with pytest.raises(CategoryExists):
            await categories.update(drinks.id, "Tea")

    async def test_a_deleted_category_is_gone(self, categories: Categories) -> None:
        category = await categories.insert(CategoryId(IDS.new()), "Drinks")
        await categories.delete(category.id)

        assert list(await categories.all()) == []
        with pytest.raises(CategoryNotFound):
            await categories.delete(category.id)
        with pytest.raises(CategoryNotFound):
            await categories.update(category.id, "Tea")


class TestProducts:
    async def test_a_product_is_read_as_it_was_inserted(
        self, products: Products, store_id: StoreId, category_id: CategoryId
    ) -> None:
        new = new_product(store_id, category_id)
        product = await products.insert(new)

        assert (product.id, product.store_id, product.category_id) == (
            new.id, store_id, category_id
        )  # fmt: skip
        assert (product.name, product.description) == ("Kopi", "from Aceh")
        assert (product.price, product.stock) == (new.price, 7)
        assert (product.image_url, product.version) == ("", 1)
        assert await products.get(new.id) == product

    async def test_a_product_of_no_category_is_refused(
        self, products: Products, store_id: StoreId
    ) -> None:
        new = new_product(store_id, CategoryId(UUID(int=1)))

        with pytest.raises(UnknownCategory):
            await products.insert(new)
        with pytest.raises(ProductNotFound):
            await products.get(new.id)

    async def test_a_product_never_offered_is_not_found(self, products: Products) -> None:
        with pytest.raises(ProductNotFound):
            await products.get(ProductId(UUID(int=1)))

    async def test_an_edit_changes_what_it_names(
        self, products: Products, store_id: StoreId, category_id: CategoryId
    ) -> None:
        product = await products.insert(new_product(store_id, category_id))
        edited = await products.update(product.id, ProductEdit(price=Money(0), stock=0))

        assert edited == replace(
            product, price=Money(0), stock=0, version=2, updated_at=edited.updated_at
        )
        assert edited.updated_at > product.updated_at
        assert await products.get(product.id) == edited

    async def test_d10_an_edit_to_no_category_changes_nothing(
        self, products: Products, store_id: StoreId, category_id: CategoryId
    ) -> None:
        product = await products.insert(new_product(store_id, category_id))
        nowhere = ProductEdit(name="Teh", category_id=CategoryId(UUID(int=1)))

        with pytest.raises(UnknownCategory):
            await products.update(product.id, nowhere)
        assert await products.get(product.id) == product

    async def test_several_are_read_in_the_order_asked_for(
        self, products: Products, store_id: StoreId, category_id: CategoryId
    ) -> None:
        made = [await products.insert(new_product(store_id, category_id)) for _ in range(3)]
        wanted = [made[2].id, ProductId(UUID(int=1)), made[0].id]

        assert list(await products.get_many(wanted)) == [made[2], made[0]]

    async def test_d13_a_hidden_product_is_unknown_to_everybody(
        self, products: Products, store_id: StoreId, category_id: CategoryId
    ) -> None:
        product = await products.insert(new_product(store_id, category_id))
        assert await products.store_of(product.id) == store_id
        assert await products.hide(product.id) == 2

        assert list(await products.get_many([product.id])) == []
        for ask in (products.get, products.store_of, products.hide):
            with pytest.raises(ProductNotFound):
                await ask(product.id)
        with pytest.raises(ProductNotFound):
            await products.update(product.id, ProductEdit(name="Teh"))


async def test_h20_of_thirty_simultaneous_categories_one_gets_the_name(
    database: PostgresDatabase,
) -> None:
    categories = PostgresCategories(database)
    outcomes = await asyncio.gather(
        *(categories.insert(CategoryId(IDS.new()), "Drinks") for _ in range(CROWD)),
        return_exceptions=True,
    )

    assert len([one for one in outcomes if isinstance(one, Category)]) == 1
    assert len([one for one in outcomes if isinstance(one, CategoryExists)]) == CROWD - 1


@pytest.mark.parametrize("stock", [0, 2_147_483_647])
async def test_the_ledger_opens_with_the_stock(
    database: PostgresDatabase, store_id: StoreId, category_id: CategoryId, stock: int
) -> None:
    product = await PostgresProducts(database).insert(new_product(store_id, category_id, stock))
    (entry,) = await database.fetch("SELECT product_id, order_id, kind, delta FROM stock_ledger")

    assert dict(entry) == {
        "product_id": product.id,
        "order_id": None,
        "kind": "opening",
        "delta": stock,
    }


async def test_a_refused_product_leaves_no_entry_in_the_ledger(
    database: PostgresDatabase, store_id: StoreId
) -> None:
    with pytest.raises(UnknownCategory):
        await PostgresProducts(database).insert(new_product(store_id, CategoryId(UUID(int=1))))

    assert await database.fetch("SELECT FROM stock_ledger") == []


async def test_a_deleted_product_is_not_found(
    database: PostgresDatabase, store_id: StoreId, category_id: CategoryId
) -> None:
    products = PostgresProducts(database)
    product = await products.insert(new_product(store_id, category_id))
    await database.execute("UPDATE products SET deleted_at = now() WHERE id = $1", product.id)

    with pytest.raises(ProductNotFound):
        await products.get(product.id)


async def test_a_migrated_product_without_texts_reads_as_empty_texts(
    database: PostgresDatabase, store_id: StoreId, category_id: CategoryId
) -> None:
    products = PostgresProducts(database)
    product = await products.insert(new_product(store_id, category_id))
    await database.execute("UPDATE products SET description = NULL, image_url = NULL")
    read = await products.get(product.id)

    assert (read.description, read.image_url) == ("", "")
