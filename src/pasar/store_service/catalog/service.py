"""Fill the catalogue and show what is in it."""

from pasar.kit.ids import Ids
from pasar.kit.pictures import Pictures, ReadUpload
from pasar.store_service.catalog.model import (
    Category,
    CategoryId,
    NoStoreYet,
    NotProductOwner,
    Product,
    ProductDraft,
    ProductId,
    ProductNotFound,
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
    def __init__(self, products: Products, stores: Stores, pictures: Pictures, ids: Ids) -> None:
        self.products = products
        self.stores = stores
        self.pictures = pictures
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

    async def replace_image(
        self, seller: UserId, product_id: ProductId, read: ReadUpload
    ) -> Product:
        """
        Give the seller's product a new picture; the file of the old one goes after the commit.

        Raises:
            NoStoreYet, ProductNotFound, NotProductOwner: before a byte of the file is read (D17).
            kit.errors.Invalid: no file, or not one of the pictures accepted.
            kit.storage.port.StorageFailed: it could not be kept.
        """
        store = await self.stores.find_of(seller)
        if store is None:
            raise NoStoreYet
        # A copy for show will do: a product never changes its store, and the change asks for it.
        if (await self.products.get(product_id)).store_id != store.id:
            raise NotProductOwner
        image_url = await self.pictures.add("products", await read())
        try:
            product, replaced = await self.products.set_image(product_id, image_url)
        except ProductNotFound:  # deleted meanwhile; after any other fault a row may name the file
            await self.pictures.drop(image_url)
            raise
        await self.pictures.drop(replaced)
        return product
