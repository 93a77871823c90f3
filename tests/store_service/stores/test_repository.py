"""One promise, two keepers: stores in memory and in PostgreSQL."""

from dataclasses import replace

import pytest

from pasar.kit.ids import TimeOrderedIds
from pasar.kit.postgres import PostgresDatabase
from pasar.store_service.accounts.model import NewUser
from pasar.store_service.accounts.postgres import PostgresUsers
from pasar.store_service.identity import Role, UserId
from pasar.store_service.stores.model import (
    AlreadyHasStore,
    NewStore,
    NotStoreOwner,
    Store,
    StoreId,
    StoreNotFound,
)
from pasar.store_service.stores.postgres import PostgresStores
from pasar.store_service.stores.repository import Stores
from tests.fakes.stores import MemoryStores

IDS = TimeOrderedIds()


@pytest.fixture(params=["memory", "postgres"])
def stores(request: pytest.FixtureRequest, database: PostgresDatabase) -> Stores:
    return MemoryStores() if request.param == "memory" else PostgresStores(database)


@pytest.fixture
async def seller(database: PostgresDatabase) -> UserId:
    new = NewUser(UserId(IDS.new()), "ana@example.com", "Ana", Role.SELLER, "a hash")
    return (await PostgresUsers(database).insert(new)).id


def store_of(seller: UserId) -> NewStore:
    return NewStore(StoreId(IDS.new()), seller, "Kopi", "from Aceh")


async def insert(database: PostgresDatabase, stores: Stores, new: NewStore) -> Store:
    async with database.begin() as tx:
        return await stores.insert(tx, new)


class TestStores:
    async def test_a_store_is_found_as_it_was_inserted(
        self, database: PostgresDatabase, stores: Stores, seller: UserId
    ) -> None:
        new = store_of(seller)
        store = await insert(database, stores, new)

        assert (store.id, store.user_id, store.name) == (new.id, seller, "Kopi")
        assert (store.description, store.logo_url) == ("from Aceh", "")
        assert store.created_at == store.updated_at
        assert await stores.find_of(seller) == store

    async def test_a_seller_has_one_store(
        self, database: PostgresDatabase, stores: Stores, seller: UserId
    ) -> None:
        await insert(database, stores, store_of(seller))

        with pytest.raises(AlreadyHasStore):
            await insert(database, stores, store_of(seller))

    async def test_who_opened_no_store_has_none(self, stores: Stores, seller: UserId) -> None:
        assert await stores.find_of(seller) is None

    async def test_an_update_changes_what_it_names(
        self, database: PostgresDatabase, stores: Stores, seller: UserId
    ) -> None:
        store = await insert(database, stores, store_of(seller))
        touched = await stores.update(store.id, seller, None, None)
        named = await stores.update(store.id, seller, "Teh", None)

        assert touched == replace(store, updated_at=touched.updated_at)
        assert named == replace(store, name="Teh", updated_at=named.updated_at)
        assert store.updated_at < touched.updated_at < named.updated_at
        assert await stores.get(store.id) == named

    async def test_only_the_owner_changes_a_store(
        self, database: PostgresDatabase, stores: Stores, seller: UserId
    ) -> None:
        store = await insert(database, stores, store_of(seller))
        nowhere = StoreId(IDS.new())

        with pytest.raises(NotStoreOwner):
            await stores.update(store.id, UserId(IDS.new()), "Mine", None)
        with pytest.raises(StoreNotFound):
            await stores.update(nowhere, seller, "Mine", None)
        with pytest.raises(StoreNotFound):
            await stores.get(nowhere)
        assert await stores.get(store.id) == store


async def test_a_migrated_store_without_texts_reads_as_empty_texts(
    database: PostgresDatabase, owner: PostgresDatabase, seller: UserId
) -> None:
    stores = PostgresStores(database)
    await insert(database, stores, store_of(seller))
    await owner.execute("UPDATE stores SET description = NULL, logo_url = NULL")
    store = await stores.find_of(seller)

    assert store is not None
    assert (store.description, store.logo_url) == ("", "")
