"""Stores in PostgreSQL."""

from typing import Final

from pasar.kit.database import ConstraintViolated, Database, Row, Tx
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

# A user's second insert waits for the first in the unique index, then fails or goes ahead.
INSERT_STORE: Final = """
INSERT INTO stores (id, user_id, name, description) VALUES ($1, $2, $3, $4)
RETURNING id, user_id, name, description, logo_url, created_at, updated_at
"""

# Stores of the earlier service may hold NULL texts.
GET_STORE: Final = """
SELECT id, user_id, name, coalesce(description, '') AS description,
       coalesce(logo_url, '') AS logo_url, created_at, updated_at
FROM stores
WHERE id = $1
"""

UPDATE_STORE: Final = """
UPDATE stores SET
    name = coalesce($3, name), description = coalesce($4, description), updated_at = now()
WHERE id = $1 AND user_id = $2
RETURNING id, user_id, name, coalesce(description, '') AS description,
          coalesce(logo_url, '') AS logo_url, created_at, updated_at
"""

FIND_STORE_OF: Final = """
SELECT id, user_id, name, coalesce(description, '') AS description,
       coalesce(logo_url, '') AS logo_url, created_at, updated_at
FROM stores
WHERE user_id = $1
"""

# The row lock makes each change see the one before it, so that no file is left without a row.
SET_LOGO: Final = """
WITH before AS MATERIALIZED (SELECT id, logo_url FROM stores WHERE id = $1 FOR UPDATE)
UPDATE stores s SET logo_url = $2, updated_at = now()
FROM before b
WHERE s.id = b.id
RETURNING s.id, s.user_id, s.name, coalesce(s.description, '') AS description,
          s.logo_url, s.created_at, s.updated_at, coalesce(b.logo_url, '') AS replaced
"""

# Which of these pictures belong to a store.
NAMED_LOGOS: Final = """
SELECT logo_url AS name FROM stores WHERE logo_url = ANY ($1) AND logo_url <> ''
"""


class PostgresStores:
    def __init__(self, database: Database) -> None:
        self.database = database

    async def insert(self, tx: Tx, new: NewStore) -> Store:
        values = (new.id, new.user_id, new.name, new.description)
        try:
            (row,) = await tx.fetch(INSERT_STORE, *values)
        except ConstraintViolated as violated:
            if violated.constraint == "stores_user_id_key":
                raise AlreadyHasStore from violated
            raise
        return _store(row)

    async def get(self, store_id: StoreId) -> Store:
        row = await self.database.fetch_one(GET_STORE, store_id)
        if row is None:
            raise StoreNotFound
        return _store(row)

    async def update(
        self, store_id: StoreId, owner: UserId, name: str | None, description: str | None
    ) -> Store:
        row = await self.database.fetch_one(UPDATE_STORE, store_id, owner, name, description)
        if row is None:
            await self.get(store_id)
            raise NotStoreOwner
        return _store(row)

    async def find_of(self, seller: UserId) -> Store | None:
        row = await self.database.fetch_one(FIND_STORE_OF, seller)
        return None if row is None else _store(row)

    async def set_logo(self, store_id: StoreId, logo_url: str) -> tuple[Store, str]:
        row = await self.database.fetch_one(SET_LOGO, store_id, logo_url)
        if row is None:
            raise StoreNotFound
        return _store(row), row["replaced"]


def _store(row: Row) -> Store:
    return Store(
        id=StoreId(row["id"]),
        user_id=UserId(row["user_id"]),
        name=row["name"],
        description=row["description"],
        logo_url=row["logo_url"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


_: type[Stores] = PostgresStores
