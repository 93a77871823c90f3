"""Where stores are kept, as the business sees it."""

from typing import Protocol

from pasar.kit.database import Tx
from pasar.store_service.identity import UserId
from pasar.store_service.stores.model import NewStore, Store, StoreId


class Stores(Protocol):
    """All stores. Every method raises kit.errors.Unavailable while the database is away."""

    async def insert(self, tx: Tx, new: NewStore) -> Store:
        """Add a store. Raises AlreadyHasStore; of a user's simultaneous wishes one succeeds."""
        ...

    async def get(self, store_id: StoreId) -> Store:
        """Return a store. Raises StoreNotFound."""
        ...

    async def update(
        self, store_id: StoreId, owner: UserId, name: str | None, description: str | None
    ) -> Store:
        """Change what is not None, and nothing else. Raises StoreNotFound, NotStoreOwner."""
        ...

    async def find_of(self, seller: UserId) -> Store | None:
        """Return the seller's store; None for a user who never opened one."""
        ...

    async def set_logo(self, store_id: StoreId, logo_url: str) -> tuple[Store, str]:
        """
        Give the store a logo; return it and the logo it had, which no row names any more.

        Of simultaneous changes each gets another predecessor. Raises StoreNotFound.
        """
        ...
