"""Categories and products, and what can be wrong with them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, NewType
from uuid import UUID

from pasar.kit.errors import Conflict, Forbidden, Invalid, NotFound
from pasar.kit.money import Money
from pasar.store_service.stores.model import StoreId

CategoryId = NewType("CategoryId", UUID)
ProductId = NewType("ProductId", UUID)

MAX_STOCK: Final = 2_147_483_647  # the column's INTEGER (contract D9)


class CategoryExists(Conflict):
    def __init__(self) -> None:
        super().__init__("category already exists")


class UnknownCategory(NotFound):
    """A product was to be filed under a category that is not there."""

    def __init__(self) -> None:
        super().__init__("category not found", field="category_id")


class NoStoreYet(NotFound):
    """A seller's token, but no store of that user."""

    def __init__(self) -> None:
        super().__init__("store not found for this user")


class ProductNotFound(NotFound):
    """Never there, or deleted."""

    def __init__(self) -> None:
        super().__init__("product not found")


class NotProductOwner(Forbidden):
    def __init__(self) -> None:
        super().__init__("forbidden: not product owner")


class BadCategoryId(Invalid):
    def __init__(self) -> None:
        super().__init__("invalid category_id", field="category_id")


class BadPrice(Invalid):
    def __init__(self) -> None:
        super().__init__("invalid price", field="price")


class BadStock(Invalid):
    def __init__(self) -> None:
        super().__init__(f"must be between 0 and {MAX_STOCK}", field="stock")


@dataclass(frozen=True, slots=True)
class Category:
    id: CategoryId
    name: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """
    A product as it was at `version`, which every change of its row raises.

    `image_url` is relative to `/uploads/`, empty without a picture.
    """

    id: ProductId
    store_id: StoreId
    category_id: CategoryId
    name: str
    description: str
    price: Money
    stock: int
    image_url: str
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductDraft:
    """What a seller sent; `category_id` and `price` are None when they could not be read."""

    name: str
    description: str
    category_id: CategoryId | None
    price: Money | None
    stock: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProduct:
    id: ProductId
    store_id: StoreId
    category_id: CategoryId
    name: str
    description: str
    price: Money
    stock: int
