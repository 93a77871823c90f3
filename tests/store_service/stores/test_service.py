"""Opening a store: with it comes the seller's role, both or neither, once."""

import asyncio

import pytest

from pasar.kit.database import Tx
from pasar.kit.errors import Unavailable
from pasar.kit.ids import TimeOrderedIds
from pasar.kit.postgres import PostgresDatabase
from pasar.store_service.accounts.model import NewUser
from pasar.store_service.accounts.postgres import PostgresUsers
from pasar.store_service.identity import Role, UserId
from pasar.store_service.stores.model import AlreadyHasStore, Store
from pasar.store_service.stores.postgres import PostgresStores
from pasar.store_service.stores.service import StoreService
from tests.fakes.storage import MemoryStorage, pictures_in

IDS = TimeOrderedIds()
PICTURES = pictures_in(MemoryStorage())
CROWD = 30


class UsersThatFail(PostgresUsers):
    async def make_seller(self, tx: Tx, user_id: UserId) -> None:
        await super().make_seller(tx, user_id)
        raise Unavailable


@pytest.fixture
def users(database: PostgresDatabase) -> PostgresUsers:
    return PostgresUsers(database)


@pytest.fixture
def stores(database: PostgresDatabase, users: PostgresUsers) -> StoreService:
    return StoreService(database, PostgresStores(database), users, PICTURES, IDS)


async def a_buyer(users: PostgresUsers) -> UserId:
    new = NewUser(UserId(IDS.new()), "ana@example.com", "Ana", Role.BUYER, "a hash")
    return (await users.insert(new)).id


async def role_of_ana(users: PostgresUsers) -> Role:
    account = await users.find("ana@example.com")
    assert account is not None
    return account.user.role


async def test_a_buyer_opens_a_store_and_is_a_seller(
    stores: StoreService, users: PostgresUsers
) -> None:
    buyer = await a_buyer(users)
    store = await stores.open(buyer, "Kopi", "")

    assert (store.user_id, store.name, store.description, store.logo_url) == (buyer, "Kopi", "", "")
    assert await role_of_ana(users) is Role.SELLER


async def test_the_answer_is_what_is_read_later(stores: StoreService, users: PostgresUsers) -> None:
    buyer = await a_buyer(users)
    store = await stores.open(buyer, "Kopi", "from Aceh")

    assert await stores.stores.find_of(buyer) == store


async def test_nobody_opens_a_second_store(stores: StoreService, users: PostgresUsers) -> None:
    buyer = await a_buyer(users)
    first = await stores.open(buyer, "Kopi", "")

    with pytest.raises(AlreadyHasStore, match="user already has a store"):
        await stores.open(buyer, "Teh", "")
    assert await stores.stores.find_of(buyer) == first


async def test_h20_of_thirty_simultaneous_wishes_open_one_store(
    stores: StoreService, users: PostgresUsers
) -> None:
    buyer = await a_buyer(users)
    outcomes = await asyncio.gather(
        *(stores.open(buyer, f"Kopi {n}", "") for n in range(CROWD)), return_exceptions=True
    )

    assert len([one for one in outcomes if isinstance(one, Store)]) == 1
    assert len([one for one in outcomes if isinstance(one, AlreadyHasStore)]) == CROWD - 1
    assert await role_of_ana(users) is Role.SELLER


async def test_without_the_role_there_is_no_store(
    database: PostgresDatabase, users: PostgresUsers
) -> None:
    buyer = await a_buyer(users)
    stores = PostgresStores(database)
    service = StoreService(database, stores, UsersThatFail(database), PICTURES, IDS)

    with pytest.raises(Unavailable):
        await service.open(buyer, "Kopi", "")

    assert await stores.find_of(buyer) is None
    assert await role_of_ana(users) is Role.BUYER
