"""The catalogue in memory."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from pasar.store_service.catalog.model import (
    Category,
    CategoryExists,
    CategoryId,
    CategoryNotFound,
    Found,
    NewProduct,
    Product,
    ProductEdit,
    ProductFilter,
    ProductId,
    ProductNotFound,
    UnknownCategory,
)
from pasar.store_service.catalog.repository import Categories, Products, ProductSearch
from pasar.store_service.stores.model import StoreId


class MemoryCategories:
    """Categories that no product uses."""

    def __init__(self) -> None:
        self.by_id: dict[CategoryId, Category] = {}

    async def insert(self, category_id: CategoryId, name: str) -> Category:
        if any(known.name == name for known in self.by_id.values()):
            raise CategoryExists
        now = datetime.now(UTC)
        self.by_id[category_id] = Category(category_id, name, now, now)
        return self.by_id[category_id]

    async def all(self) -> Sequence[Category]:
        return sorted(self.by_id.values(), key=lambda category: category.name)

    async def update(self, category_id: CategoryId, name: str | None) -> Category:
        if category_id not in self.by_id:
            raise CategoryNotFound
        if any(known.name == name for known in self.by_id.values() if known.id != category_id):
            raise CategoryExists
        category = self.by_id[category_id]
        self.by_id[category_id] = replace(
            category, name=name or category.name, updated_at=datetime.now(UTC)
        )
        return self.by_id[category_id]

    async def delete(self, category_id: CategoryId) -> None:
        if self.by_id.pop(category_id, None) is None:
            raise CategoryNotFound


class MemoryProducts:
    """
    Products under the given categories; `reads` counts how often some were asked for.

    `cleared` are those that were taken out of carts.
    """

    def __init__(self, categories: Iterable[CategoryId] = ()) -> None:
        self.categories = set(categories)
        self.by_id: dict[ProductId, Product] = {}
        self.reads = 0
        self.cleared: list[ProductId] = []

    async def insert(self, new: NewProduct) -> Product:
        if new.category_id not in self.categories:
            raise UnknownCategory
        now = datetime.now(UTC)
        product = Product(
            id=new.id,
            store_id=new.store_id,
            category_id=new.category_id,
            name=new.name,
            description=new.description,
            price=new.price,
            stock=new.stock,
            image_url="",
            version=1,
            created_at=now,
            updated_at=now,
        )
        self.by_id[new.id] = product
        return product

    async def get(self, product_id: ProductId) -> Product:
        self.reads += 1
        if product_id not in self.by_id:
            raise ProductNotFound
        return self.by_id[product_id]

    async def get_many(self, product_ids: Sequence[ProductId]) -> Sequence[Product]:
        self.reads += 1
        return [self.by_id[each] for each in product_ids if each in self.by_id]

    async def store_of(self, product_id: ProductId) -> StoreId:
        return (await self.get(product_id)).store_id

    async def update(self, product_id: ProductId, edit: ProductEdit) -> Product:
        before = await self.get(product_id)
        if edit.category_id is not None and edit.category_id not in self.categories:
            raise UnknownCategory
        self.by_id[product_id] = replace(
            before,
            name=edit.name or before.name,
            description=edit.description or before.description,
            price=before.price if edit.price is None else edit.price,
            category_id=edit.category_id or before.category_id,
            stock=before.stock if edit.stock is None else edit.stock,
            version=before.version + 1,
            updated_at=datetime.now(UTC),
        )
        return self.by_id[product_id]

    async def set_image(self, product_id: ProductId, image_url: str) -> tuple[Product, str]:
        before = self.by_id.get(product_id)
        if before is None:
            raise ProductNotFound
        self.by_id[product_id] = replace(
            before,
            image_url=image_url,
            version=before.version + 1,
            updated_at=datetime.now(UTC),
        )
        return self.by_id[product_id], before.image_url

    async def hide(self, product_id: ProductId) -> int:
        version = (await self.get(product_id)).version + 1
        del self.by_id[product_id]
        return version

    async def clear_from_carts(self, product_id: ProductId) -> None:
        self.cleared.append(product_id)


class NoSearch:
    """A search for tests that look for nothing: fails whoever asks."""

    async def find(self, wanted: ProductFilter, offset: int, limit: int) -> Found:
        raise AssertionError(f"searched for {wanted} from {offset} to {offset + limit}")


_: tuple[type[Categories], type[Products], type[ProductSearch]] = (
    MemoryCategories,
    MemoryProducts,
    NoSearch,
)
