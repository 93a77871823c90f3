"""Where the catalogue is kept, as the business sees it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from pasar.store_service.catalog.model import (
    Category,
    CategoryId,
    Found,
    NewProduct,
    Product,
    ProductEdit,
    ProductFilter,
    ProductId,
)
from pasar.store_service.stores.model import StoreId


class Categories(Protocol):
    """All categories. Every method raises kit.errors.Unavailable while the database is away."""

    async def insert(self, category_id: CategoryId, name: str) -> Category:
        """Add a category. Raises CategoryExists; names are compared exactly."""
        ...

    async def all(self) -> Sequence[Category]:
        """Return all categories by name."""
        ...

    async def update(self, category_id: CategoryId, name: str | None) -> Category:
        """Rename a category, or only touch it. Raises CategoryNotFound, CategoryExists."""
        ...

    async def delete(self, category_id: CategoryId) -> None:
        """Delete a category. Raises CategoryNotFound, CategoryInUse."""
        ...


class Products(Protocol):
    """All products. Every method raises kit.errors.Unavailable while the database is away."""

    async def insert(self, new: NewProduct) -> Product:
        """Offer a product, its stock entered in the ledger. Raises UnknownCategory."""
        ...

    async def get(self, product_id: ProductId) -> Product:
        """
        Return a product for show: price and stock may be a moment old, so nothing is decided by it.

        Raises ProductNotFound.
        """
        ...

    async def get_many(self, product_ids: Sequence[ProductId]) -> Sequence[Product]:
        """Return those that are there, for show, in the order asked for."""
        ...

    async def store_of(self, product_id: ProductId) -> StoreId:
        """Return whose product it is, not from a copy. Raises ProductNotFound."""
        ...

    async def update(self, product_id: ProductId, edit: ProductEdit) -> Product:
        """
        Change what the edit names and nothing else; a new stock is booked as its difference.

        Raises ProductNotFound, UnknownCategory.
        """
        ...

    async def set_image(self, product_id: ProductId, image_url: str) -> tuple[Product, str]:
        """
        Give the product a picture; return it and the picture it had, which no row names any more.

        Of simultaneous changes each gets another predecessor. Raises ProductNotFound.
        """
        ...

    async def hide(self, product_id: ProductId) -> int:
        """
        Delete a product for everybody, except in the orders that hold it; return its last version.

        Raises ProductNotFound.
        """
        ...

    async def clear_from_carts(self, product_id: ProductId) -> None:
        """
        Take a hidden product out of all carts, some at a time; what is left may be taken out later.

        Carts do not show it any more; until it is out, a checkout of such a cart is refused.
        """
        ...


class ProductSearch(Protocol):
    """The list of products, read only."""

    async def find(self, wanted: ProductFilter, offset: int, limit: int) -> Found:
        """
        Return at most `limit` matching products after the first `offset`, and the number of all.

        Equal sort keys are ordered by id. Raises kit.errors.Unavailable while the database is away,
        and when the search takes longer than DB_SEARCH_TIMEOUT.
        """
        ...


class ProductCopies(Protocol):
    """The fast copies of products: for show only, and they expire by themselves."""

    async def drop(self, versions: Mapping[ProductId, int]) -> None:
        """
        Let go what is older than these versions; call it after the commit that made them.

        Never raises: a copy that could not be dropped is shown until it expires.
        """
        ...


class CopiedProducts(Products, ProductCopies, Protocol):
    """Products in front of which fast copies stand."""
