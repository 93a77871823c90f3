"""The catalogue in memory."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from pasar.store_service.catalog.model import (
    Category,
    CategoryExists,
    CategoryId,
    NewProduct,
    Product,
    ProductId,
    ProductNotFound,
    UnknownCategory,
)
from pasar.store_service.catalog.repository import Categories, Products


class MemoryCategories:
    def __init__(self) -> None:
        self.by_id: dict[CategoryId, Category] = {}

    async def insert(self, category_id: CategoryId, name: str) -> Category:
        if any(known.name == name for known in self.by_id.values()):
            raise CategoryExists
        now = datetime.now(UTC)
        self.by_id[category_id] = Category(category_id, name, now, now)
        return self.by_id[category_id]


class MemoryProducts:
    """Products under the given categories; `reads` counts how often one was asked for."""

    def __init__(self, categories: Iterable[CategoryId] = ()) -> None:
        self.categories = set(categories)
        self.by_id: dict[ProductId, Product] = {}
        self.reads = 0

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


_: tuple[type[Categories], type[Products]] = (MemoryCategories, MemoryProducts)
