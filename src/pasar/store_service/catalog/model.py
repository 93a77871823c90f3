"""Categories and products, and what can be wrong with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, NewType
from uuid import UUID

from pasar.kit.errors import Conflict, Forbidden, Invalid, NotFound
from pasar.kit.money import Money
from pasar.store_service.stores.model import StoreId

CategoryId = NewType("CategoryId", UUID)
ProductId = NewType("ProductId", UUID)

MAX_STOCK: Final = 2_147_483_647  # the column's INTEGER (contract D9)
MAX_DESCRIPTION: Final = 20_000  # characters; ten times what D14 asks for, and no name is longer


class CategoryExists(Conflict):
    def __init__(self) -> None:
        super().__init__("category already exists")


class CategoryNotFound(NotFound):
    """The category that the path names is not there."""

    def __init__(self) -> None:
        super().__init__("category not found")


class CategoryInUse(Conflict):
    """Products that are not deleted stand under it."""

    def __init__(self) -> None:
        super().__init__("category is in use")


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


class BadSearch(Invalid):
    def __init__(self) -> None:
        super().__init__("contains invalid characters", field="search")


class BadStoreId(Invalid):
    def __init__(self) -> None:
        super().__init__("invalid store_id", field="store_id")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductEdit:
    """
    What is to change of a product; None leaves a member as it is.

    `unreadable` names the members that were sent and could not be read; they are None too.
    """

    name: str | None = None
    description: str | None = None
    price: Money | None = None
    category_id: CategoryId | None = None
    stock: int | None = None
    unreadable: frozenset[str] = frozenset()


class Sort(StrEnum):
    """The orders of a product list; the value is the one of `sort_by`."""

    CREATED_AT = "created_at"
    PRICE = "price"
    NAME = "name"
    RELEVANCE = "relevance"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductFilter:
    """
    Which products, in which order; a member that is None, or an empty `search`, asks for nothing.

    `search` is a substring of name or description in any letter case. By relevance it is besides
    what a person types into a search engine, and more products match: those with the same words. A
    long text is then known by its beginning.
    """

    search: str = ""
    category_id: CategoryId | None = None
    store_id: StoreId | None = None
    min_price: Money | None = None
    max_price: Money | None = None
    sort: Sort = Sort.CREATED_AT
    ascending: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """One slice of the products that match, and how many there are in all."""

    product_ids: Sequence[ProductId]
    total: int
