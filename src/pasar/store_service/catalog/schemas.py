"""The catalogue in JSON."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar
from uuid import UUID

import msgspec

from pasar.kit.ids import parse_id
from pasar.kit.money import parse_money
from pasar.store_service.catalog.model import Category, CategoryId, Product, ProductDraft
from pasar.store_service.web.fields import Body, Rule, at_most, not_blank, required


class CreateCategoryBody(Body, frozen=True):
    name: str = ""

    rules: ClassVar[Mapping[str, tuple[Rule, ...]]] = {"name": (not_blank, at_most(255))}


class CreateProductBody(Body, frozen=True):
    """Id, price and stock are judged after the seller's store (contract 1.8), hence as sent."""

    name: str = ""
    price: str = ""
    category_id: str = ""
    description: str = ""
    stock: int = 0

    rules: ClassVar[Mapping[str, tuple[Rule, ...]]] = {
        "name": (not_blank, at_most(255)),
        "price": (required,),
        "category_id": (required,),
        "description": (at_most(20_000),),
    }

    def draft(self) -> ProductDraft:
        category_id = parse_id(self.category_id)
        return ProductDraft(
            name=self.name,
            description=self.description,
            category_id=None if category_id is None else CategoryId(category_id),
            price=parse_money(self.price),
            stock=self.stock,
        )


class CategoryJson(msgspec.Struct, frozen=True):
    id: UUID
    name: str
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, category: Category) -> "CategoryJson":
        return cls(category.id, category.name, category.created_at, category.updated_at)


class ProductJson(msgspec.Struct, frozen=True):
    id: UUID
    store_id: UUID
    category_id: UUID
    name: str
    description: str
    price: str
    stock: int
    image_url: str
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, product: Product) -> "ProductJson":
        return cls(
            id=product.id,
            store_id=product.store_id,
            category_id=product.category_id,
            name=product.name,
            description=product.description,
            price=str(product.price),
            stock=product.stock,
            image_url=product.image_url,
            created_at=product.created_at,
            updated_at=product.updated_at,
        )
