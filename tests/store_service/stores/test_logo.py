"""A store's logo: who may change it, and that exactly the files named by rows stay."""

import asyncio
from uuid import UUID

import pytest

from pasar.kit.ids import TimeOrderedIds
from pasar.kit.images import NotAnImage
from pasar.kit.pictures import ReadUpload, Upload
from pasar.kit.postgres import PostgresDatabase
from pasar.kit.storage.port import StorageFailed
from pasar.store_service.accounts.postgres import PostgresUsers
from pasar.store_service.identity import UserId
from pasar.store_service.stores.model import NotStoreOwner, Store, StoreId, StoreNotFound
from pasar.store_service.stores.postgres import PostgresStores
from pasar.store_service.stores.repository import Stores
from pasar.store_service.stores.service import StoreService
from tests.fakes.images import picture
from tests.fakes.storage import MemoryStorage, pictures_in
from tests.fakes.stores import MemoryStores
from tests.store_service.shop import Shop, warm_up

STRANGER = UserId(UUID(int=9))
CROWD = 60


def sends(content: bytes = picture(), filename: str = "logo.png") -> ReadUpload:
    async def read() -> Upload:
        return Upload(filename, content)

    return read


async def never() -> Upload:
    raise AssertionError("the file was read")


@pytest.fixture
async def store(owner: PostgresDatabase, database: PostgresDatabase) -> Store:
    """A store in PostgreSQL without logo."""
    return await PostgresStores(database).get(await Shop(owner).store())


@pytest.fixture(params=["memory", "postgres"])
def stores(request: pytest.FixtureRequest, database: PostgresDatabase, store: Store) -> Stores:
    if request.param == "postgres":
        return PostgresStores(database)
    memory = MemoryStores()
    memory.by_seller[store.user_id] = store
    return memory


@pytest.fixture
def storage() -> MemoryStorage:
    return MemoryStorage()


@pytest.fixture
def service(database: PostgresDatabase, storage: MemoryStorage) -> StoreService:
    users = PostgresUsers(database)
    pictures = pictures_in(storage)
    return StoreService(database, PostgresStores(database), users, pictures, TimeOrderedIds())


class TestStores:
    async def test_a_store_is_found_by_its_id(self, stores: Stores, store: Store) -> None:
        assert await stores.get(store.id) == store

    async def test_a_logo_takes_the_place_of_the_one_before(
        self, stores: Stores, store: Store
    ) -> None:
        first, nothing = await stores.set_logo(store.id, "stores/1.png")
        second, replaced = await stores.set_logo(store.id, "stores/2.png")

        assert (first.logo_url, nothing) == ("stores/1.png", "")
        assert (second.logo_url, replaced) == ("stores/2.png", "stores/1.png")
        assert second.updated_at > store.updated_at
        assert await stores.get(store.id) == second

    async def test_an_unknown_store_is_not_found(self, stores: Stores) -> None:
        with pytest.raises(StoreNotFound, match="store not found"):
            await stores.get(StoreId(UUID(int=1)))
        with pytest.raises(StoreNotFound):
            await stores.set_logo(StoreId(UUID(int=1)), "stores/1.png")


async def test_of_simultaneous_logos_each_replaces_another(
    database: PostgresDatabase, store: Store
) -> None:
    await warm_up(database)
    stores = PostgresStores(database)
    names = [f"stores/{number}.png" for number in range(CROWD)]
    outcomes = await asyncio.gather(*(stores.set_logo(store.id, name) for name in names))
    last = (await stores.get(store.id)).logo_url

    assert {replaced for _, replaced in outcomes} == {"", *names} - {last}


async def test_d17_a_new_logo_is_stored_and_the_old_file_goes(
    service: StoreService, storage: MemoryStorage, store: Store
) -> None:
    first = await service.replace_logo(store.user_id, store.id, sends())
    second = await service.replace_logo(store.user_id, store.id, sends(picture("JPEG"), "a.JPEG"))

    assert first.logo_url.startswith("stores/")
    assert second.logo_url.endswith(".jpeg")
    assert list(storage.files) == [second.logo_url]


async def test_d17_a_stranger_is_refused_before_the_file_is_read(
    service: StoreService, store: Store
) -> None:
    with pytest.raises(StoreNotFound):
        await service.replace_logo(store.user_id, StoreId(UUID(int=1)), never)
    with pytest.raises(NotStoreOwner, match="forbidden: not store owner"):
        await service.replace_logo(STRANGER, store.id, never)


async def test_a_refused_file_leaves_the_logo_as_it_was(
    service: StoreService, storage: MemoryStorage, store: Store
) -> None:
    before = await service.replace_logo(store.user_id, store.id, sends())
    with pytest.raises(NotAnImage):
        await service.replace_logo(store.user_id, store.id, sends(b"<html>"))

    assert await service.stores.get(store.id) == before
    assert list(storage.files) == [before.logo_url]


async def test_h32_on_a_full_disk_the_logo_stays_as_it_was(
    service: StoreService, storage: MemoryStorage, store: Store
) -> None:
    before = await service.replace_logo(store.user_id, store.id, sends())
    storage.full = True
    with pytest.raises(StorageFailed):
        await service.replace_logo(store.user_id, store.id, sends())

    assert await service.stores.get(store.id) == before


async def test_an_old_file_that_cannot_go_costs_nobody_the_new_logo(
    service: StoreService, storage: MemoryStorage, store: Store
) -> None:
    await service.replace_logo(store.user_id, store.id, sends())
    storage.stuck = True
    after = await service.replace_logo(store.user_id, store.id, sends())

    assert after.logo_url in storage.files
