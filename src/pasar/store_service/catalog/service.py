"""Fill the catalogue and show what is in it."""

from pasar.kit.ids import Ids
from pasar.store_service.catalog.model import (
    Category,
    CategoryId,
    NoStoreYet,
    Product,
    ProductDraft,
    ProductId,
)
from pasar.store_service.catalog.repository import Categories, Products
from pasar.store_service.catalog.rules import accepted
from pasar.store_service.identity import UserId
from pasar.store_service.stores.repository import Stores


class CategoryService:
    def __init__(self, categories: Categories, ids: Ids) -> None:
        self.categories = categories
        self.ids = ids

    async def create(self, name: str) -> Category:
        """Add a category. Raises CategoryExists."""
        return await self.categories.insert(CategoryId(self.ids.new()), name)


class ProductService:
    def __init__(self, products: Products, stores: Stores, ids: Ids) -> None:
        self.products = products
        self.stores = stores
        self.ids = ids

    async def create(self, seller: UserId, draft: ProductDraft) -> Product:
        """
        Offer a product in the seller's store.

        Raises:
            NoStoreYet: the seller has none.
            BadCategoryId, BadPrice, BadStock: the draft cannot be offered.
            UnknownCategory: there is no such category.
        """
        store = await self.stores.find_of(seller)
        if store is None:
            raise NoStoreYet
        return await self.products.insert(accepted(draft, ProductId(self.ids.new()), store.id))

    async def get(self, product_id: ProductId) -> Product:
        """Return a product for show. Raises ProductNotFound."""
        return await self.products.get(product_id)
