"""Where the catalogue is kept, as the business sees it."""

from collections.abc import Mapping
from typing import Protocol

from pasar.store_service.catalog.model import (
    Category,
    CategoryId,
    NewProduct,
    Product,
    ProductId,
)


class Categories(Protocol):
    """All categories. Every method raises kit.errors.Unavailable while the database is away."""

    async def insert(self, category_id: CategoryId, name: str) -> Category:
        """Add a category. Raises CategoryExists; names are compared exactly."""
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

    async def set_image(self, product_id: ProductId, image_url: str) -> tuple[Product, str]:
        """
        Give the product a picture; return it and the picture it had, which no row names any more.

        Of simultaneous changes each gets another predecessor. Raises ProductNotFound.
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
