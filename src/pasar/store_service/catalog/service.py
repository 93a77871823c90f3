"""Fill the catalogue and show what is in it."""

from collections.abc import Sequence
from contextlib import suppress

from pasar.kit.errors import Unavailable
from pasar.kit.ids import Ids
from pasar.kit.pictures import Pictures, ReadUpload
from pasar.store_service.catalog.model import (
    Category,
    CategoryId,
    NoStoreYet,
    NotProductOwner,
    Product,
    ProductDraft,
    ProductEdit,
    ProductFilter,
    ProductId,
    ProductNotFound,
)
from pasar.store_service.catalog.repository import Categories, Products, ProductSearch
from pasar.store_service.catalog.rules import accepted, check_edit, matches_nothing
from pasar.store_service.identity import UserId
from pasar.store_service.stores.model import Store
from pasar.store_service.stores.repository import Stores


class CategoryService:
    def __init__(self, categories: Categories, ids: Ids) -> None:
        self.categories = categories
        self.ids = ids

    async def create(self, name: str) -> Category:
        """Add a category. Raises CategoryExists."""
        return await self.categories.insert(CategoryId(self.ids.new()), name)

    async def all(self) -> Sequence[Category]:
        """Return all categories by name."""
        return await self.categories.all()

    async def rename(self, category_id: CategoryId, name: str | None) -> Category:
        """Rename a category, or only touch it. Raises CategoryNotFound, CategoryExists."""
        return await self.categories.update(category_id, name)

    async def delete(self, category_id: CategoryId) -> None:
        """Delete a category. Raises CategoryNotFound, CategoryInUse."""
        await self.categories.delete(category_id)


class ProductService:
    def __init__(
        self,
        products: Products,
        search: ProductSearch,
        stores: Stores,
        pictures: Pictures,
        ids: Ids,
    ) -> None:
        self.products = products
        self.search = search
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
        store = await self._store_of(seller)
        return await self.products.insert(accepted(draft, ProductId(self.ids.new()), store.id))

    async def get(self, product_id: ProductId) -> Product:
        """Return a product for show. Raises ProductNotFound."""
        return await self.products.get(product_id)

    async def find(
        self, wanted: ProductFilter, offset: int, limit: int
    ) -> tuple[Sequence[Product], int]:
        """Return at most `limit` matching products after the first `offset`, and how many match."""
        if matches_nothing(wanted):
            return (), 0
        found = await self.search.find(wanted, offset, limit)
        return await self.products.get_many(found.product_ids), found.total

    async def update(self, seller: UserId, product_id: ProductId, edit: ProductEdit) -> Product:
        """
        Change a product of the seller's store.

        Raises:
            NoStoreYet, ProductNotFound, NotProductOwner: it is not the seller's to change.
            BadPrice, BadCategoryId, BadStock: the edit cannot be made.
            UnknownCategory: there is no such category.
        """
        await self._check_owner(seller, product_id)
        check_edit(edit)
        return await self.products.update(product_id, edit)

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
        await self._check_owner(seller, product_id)
        image_url = await self.pictures.add("products", await read())
        try:
            product, replaced = await self.products.set_image(product_id, image_url)
        except ProductNotFound:  # deleted meanwhile; after any other fault a row may name the file
            await self.pictures.drop(image_url)
            raise
        await self.pictures.drop(replaced)
        return product

    async def delete(self, seller: UserId, product_id: ProductId) -> None:
        """
        Delete a product of the seller's store: hide it, then take it out of carts; orders keep it.

        Raises NoStoreYet, ProductNotFound, NotProductOwner.
        """
        await self._check_owner(seller, product_id)
        await self.products.hide(product_id)
        with suppress(Unavailable):  # it is deleted all the same; carts do not show it any more
            await self.products.clear_from_carts(product_id)

    async def _check_owner(self, seller: UserId, product_id: ProductId) -> None:
        """Ask who owns it; that never changes, so whoever acts on the answer is not too late."""
        store = await self._store_of(seller)
        if await self.products.store_of(product_id) != store.id:
            raise NotProductOwner

    async def _store_of(self, seller: UserId) -> Store:
        store = await self.stores.find_of(seller)
        if store is None:
            raise NoStoreYet
        return store
