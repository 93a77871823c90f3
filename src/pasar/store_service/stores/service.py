"""Open a store, show it, change it, give it a logo."""

from pasar.kit.database import Database
from pasar.kit.ids import Ids
from pasar.kit.pictures import Pictures, ReadUpload
from pasar.store_service.accounts.repository import Users
from pasar.store_service.identity import UserId
from pasar.store_service.stores.model import NewStore, NotStoreOwner, Store, StoreId
from pasar.store_service.stores.repository import Stores


class StoreService:
    def __init__(
        self, database: Database, stores: Stores, users: Users, pictures: Pictures, ids: Ids
    ) -> None:
        self.database = database
        self.stores = stores
        self.users = users
        self.pictures = pictures
        self.ids = ids

    async def open(self, owner: UserId, name: str, description: str) -> Store:
        """
        Open the user's store and make the user a seller, both or neither.

        Tokens already issued keep the old role (contract section 3). Raises AlreadyHasStore.
        """
        wish = NewStore(StoreId(self.ids.new()), owner, name, description)
        async with self.database.begin() as tx:
            store = await self.stores.insert(tx, wish)
            await self.users.make_seller(tx, owner)
        return store

    async def get(self, store_id: StoreId) -> Store:
        """Return a store. Raises StoreNotFound."""
        return await self.stores.get(store_id)

    async def update(
        self, owner: UserId, store_id: StoreId, name: str | None, description: str | None
    ) -> Store:
        """Change the texts given of the user's own store. Raises StoreNotFound, NotStoreOwner."""
        return await self.stores.update(store_id, owner, name, description)

    async def replace_logo(self, seller: UserId, store_id: StoreId, read: ReadUpload) -> Store:
        """
        Give the seller's store a new logo; the file of the old one goes after the commit.

        Raises:
            StoreNotFound, NotStoreOwner: before a byte of the file is read (contract D17).
            kit.errors.Invalid: no file, or not one of the pictures accepted.
            kit.storage.port.StorageFailed: it could not be kept.
        """
        store = await self.stores.get(store_id)
        if store.user_id != seller:
            raise NotStoreOwner
        logo_url = await self.pictures.add("stores", await read())
        store, replaced = await self.stores.set_logo(store_id, logo_url)
        await self.pictures.drop(replaced)
        return store
