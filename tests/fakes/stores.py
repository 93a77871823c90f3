"""Stores in memory."""

from dataclasses import replace
from datetime import UTC, datetime

from pasar.kit.database import Tx
from pasar.store_service.identity import UserId
from pasar.store_service.stores.model import (
    AlreadyHasStore,
    NewStore,
    NotStoreOwner,
    Store,
    StoreId,
    StoreNotFound,
)
from pasar.store_service.stores.repository import Stores


class MemoryStores:
    def __init__(self) -> None:
        self.by_seller: dict[UserId, Store] = {}

    async def insert(self, _tx: Tx, new: NewStore) -> Store:
        if new.user_id in self.by_seller:
            raise AlreadyHasStore
        now = datetime.now(UTC)
        store = Store(new.id, new.user_id, new.name, new.description, "", now, now)
        self.by_seller[new.user_id] = store
        return store

    async def get(self, store_id: StoreId) -> Store:
        for store in self.by_seller.values():
            if store.id == store_id:
                return store
        raise StoreNotFound

    async def update(
        self, store_id: StoreId, owner: UserId, name: str | None, description: str | None
    ) -> Store:
        store = await self.get(store_id)
        if store.user_id != owner:
            raise NotStoreOwner
        self.by_seller[owner] = replace(
            store,
            name=name or store.name,
            description=description or store.description,
            updated_at=datetime.now(UTC),
        )
        return self.by_seller[owner]

    async def find_of(self, seller: UserId) -> Store | None:
        return self.by_seller.get(seller)

    async def set_logo(self, store_id: StoreId, logo_url: str) -> tuple[Store, str]:
        before = await self.get(store_id)
        store = replace(before, logo_url=logo_url, updated_at=datetime.now(UTC))
        self.by_seller[store.user_id] = store
        return store, before.logo_url


_: type[Stores] = MemoryStores
