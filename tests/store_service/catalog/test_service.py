"""Offering a product: which question is asked before which."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from pasar.kit.ids import TimeOrderedIds
from pasar.kit.money import Money
from pasar.store_service.catalog.model import (
    BadCategoryId,
    CategoryExists,
    CategoryId,
    NoStoreYet,
    ProductDraft,
    ProductId,
    ProductNotFound,
    UnknownCategory,
)
from pasar.store_service.catalog.service import CategoryService, ProductService
from pasar.store_service.identity import UserId
from pasar.store_service.stores.model import Store, StoreId
from tests.fakes.catalog import MemoryCategories, MemoryProducts, NoSearch
from tests.fakes.storage import MemoryStorage, pictures_in
from tests.fakes.stores import MemoryStores

IDS = TimeOrderedIds()
SELLER = UserId(UUID(int=1))
STORE = StoreId(UUID(int=2))
CATEGORY = CategoryId(UUID(int=3))
AT = datetime(2026, 1, 1, tzinfo=UTC)


def draft(category_id: CategoryId | None = CATEGORY) -> ProductDraft:
    return ProductDraft(
        name="Kopi", description="", category_id=category_id, price=Money(450), stock=7
    )


@pytest.fixture
def products() -> ProductService:
    stores = MemoryStores()
    stores.by_seller[SELLER] = Store(STORE, SELLER, "Toko", "", "", AT, AT)
    catalogue, pictures = MemoryProducts([CATEGORY]), pictures_in(MemoryStorage())
    return ProductService(catalogue, NoSearch(), stores, pictures, IDS)


async def test_a_product_is_offered_in_the_sellers_store(products: ProductService) -> None:
    product = await products.create(SELLER, draft())

    assert (product.store_id, product.category_id) == (STORE, CATEGORY)
    assert (product.price, product.stock, product.image_url) == (Money(450), 7, "")
    assert await products.get(product.id) == product


async def test_the_store_is_asked_for_before_the_draft_is_judged(products: ProductService) -> None:
    with pytest.raises(NoStoreYet, match="store not found for this user"):
        await products.create(UserId(UUID(int=9)), draft(None))


async def test_the_draft_is_judged_before_the_category_is_looked_for(
    products: ProductService,
) -> None:
    with pytest.raises(BadCategoryId, match="invalid category_id"):
        await products.create(SELLER, draft(None))


async def test_a_product_needs_a_known_category(products: ProductService) -> None:
    with pytest.raises(UnknownCategory, match="category not found") as refusal:
        await products.create(SELLER, draft(CategoryId(UUID(int=9))))

    assert refusal.value.field == "category_id"


async def test_an_unknown_product_is_not_found(products: ProductService) -> None:
    with pytest.raises(ProductNotFound, match="product not found"):
        await products.get(ProductId(UUID(int=9)))


async def test_a_category_is_added_once() -> None:
    categories = CategoryService(MemoryCategories(), IDS)
    category = await categories.create("Drinks")

    assert category.name == "Drinks"
    with pytest.raises(CategoryExists, match="category already exists"):
        await categories.create("Drinks")
