"""One promise, two keepers: accounts in memory and in PostgreSQL."""

from dataclasses import replace
from typing import cast

import pytest

from pasar.kit.database import Database
from pasar.kit.postgres import PostgresDatabase
from pasar.store_service.accounts.model import EmailTaken
from pasar.store_service.accounts.postgres import PostgresUsers
from pasar.store_service.accounts.repository import Users
from pasar.store_service.identity import Role, UserId
from tests.fakes.users import MemoryUsers
from tests.store_service.accounts.logins import IDS, new_user


@pytest.fixture(params=["memory", "postgres"])
def users(request: pytest.FixtureRequest) -> Users:
    if request.param == "memory":
        return MemoryUsers()
    return PostgresUsers(cast("Database", request.getfixturevalue("database")))


class TestUsers:
    async def test_an_account_is_found_as_it_was_inserted(self, users: Users) -> None:
        new = new_user()
        user = await users.insert(new)
        account = await users.find(new.email)

        assert (user.id, user.email, user.name, user.role) == (
            new.id, "Ana@example.com", "Ana", Role.BUYER
        )  # fmt: skip
        assert user.created_at == user.updated_at
        assert account is not None
        assert account.user == user
        assert (account.password_hash, account.token_version, account.disabled) == (
            "a hash", 0, False
        )  # fmt: skip

    @pytest.mark.parametrize("email", ["Ana@example.com", "ana@EXAMPLE.com"])
    async def test_d41_an_address_is_taken_in_every_letter_case(
        self, users: Users, email: str
    ) -> None:
        await users.insert(new_user())

        with pytest.raises(EmailTaken):
            await users.insert(new_user(email))

    async def test_d41_an_address_is_found_in_every_letter_case(self, users: Users) -> None:
        user = await users.insert(new_user())
        found = await users.find("aNA@example.COM")

        assert found is not None
        assert found.user == user

    async def test_nobody_is_found_by_an_unknown_address(self, users: Users) -> None:
        await users.insert(new_user())

        assert await users.find("na@example.com") is None

    async def test_an_account_is_found_by_its_id_as_it_is_now(self, users: Users) -> None:
        user = await users.insert(new_user())
        await users.disable(user.id)
        found = await users.find_by_id(user.id)

        assert found is not None
        assert (found.user.id, found.disabled) == (user.id, True)
        assert await users.find_by_id(UserId(IDS.new())) is None

    async def test_a_hash_is_replaced_once(self, users: Users) -> None:
        user = await users.insert(new_user())
        await users.rehash(user.id, "a hash", "a better hash")
        await users.rehash(user.id, "a hash", "a hash of an overtaken login")
        found = await users.find(user.email)

        assert found is not None
        assert found.password_hash == "a better hash"
        assert found.token_version == 0

    async def test_an_admin_is_added_or_renewed(self, users: Users) -> None:
        first = await users.save_admin(new_user("boss@example.com", Role.ADMIN))
        await users.disable(first.id)
        renewed = replace(new_user("Boss@example.com", Role.ADMIN), password_hash="new", name="B")
        second = await users.save_admin(renewed)
        found = await users.find("boss@example.com")

        assert (second.id, second.email, second.name) == (first.id, "boss@example.com", "B")
        assert found is not None
        assert (found.password_hash, found.disabled) == ("new", False)
        assert found.token_version == 3

    async def test_a_buyer_is_never_saved_as_an_admin(self, users: Users) -> None:
        await users.insert(new_user())

        with pytest.raises(EmailTaken):
            await users.save_admin(new_user("ana@example.com", Role.ADMIN))

    async def test_a_disabled_account_is_found_as_such(self, users: Users) -> None:
        user = await users.insert(new_user())
        await users.disable(user.id)
        await users.disable(user.id)
        found = await users.find(user.email)

        assert found is not None
        assert (found.disabled, found.token_version) == (True, 1)


RENAME = """
UPDATE users SET email = $2::text, email_key = lower($2::text) WHERE email = $1
"""
MAKE_TWIN = "UPDATE users SET email = $2, email_key = NULL WHERE email = $1"
TWINS = ("Twin@example.com", "twin@example.com")


@pytest.fixture
async def twins(database: PostgresDatabase, owner: PostgresDatabase) -> PostgresUsers:
    """Users among whom two migrated ones have addresses that differ in letter case only."""
    users = PostgresUsers(database)
    for number, email in enumerate(TWINS):
        await users.insert(new_user(f"{number}@example.com"))
        await owner.execute(MAKE_TWIN, f"{number}@example.com", email)
    return users


async def test_d41_migrated_twins_are_told_apart_by_their_exact_spelling(
    twins: PostgresUsers,
) -> None:
    for email in TWINS:
        found = await twins.find(email)
        assert found is not None
        assert found.user.email == email
    assert await twins.find("TWIN@example.com") is None


@pytest.mark.parametrize("email", ["TWIN@example.com", *TWINS])
async def test_d41_nobody_takes_a_spelling_of_migrated_twins(
    twins: PostgresUsers, email: str
) -> None:
    with pytest.raises(EmailTaken):
        await twins.insert(new_user(email))
    with pytest.raises(EmailTaken):
        await twins.save_admin(new_user(email, Role.ADMIN))


async def test_the_exact_spelling_comes_first(
    database: PostgresDatabase, owner: PostgresDatabase
) -> None:
    users = PostgresUsers(database)
    await users.insert(new_user("Ana@example.com"))
    await users.insert(new_user("other@example.com"))
    await owner.execute(MAKE_TWIN, "Ana@example.com", "Ana@example.com")
    await owner.execute(RENAME, "other@example.com", "ANA@example.com")
    # Behind the other row, which a scan would otherwise meet later.
    await owner.execute("UPDATE users SET name = name WHERE email = 'Ana@example.com'")
    found = await users.find("Ana@example.com")

    assert found is not None
    assert found.user.email == "Ana@example.com"


async def test_the_seeded_admin_is_there(database: PostgresDatabase) -> None:
    found = await PostgresUsers(database).find("admin@example.com")

    assert found is not None
    assert (found.user.role, found.disabled) == (Role.ADMIN, False)


async def test_only_a_buyer_becomes_a_seller(database: PostgresDatabase) -> None:
    users = PostgresUsers(database)
    buyer = await users.insert(new_user())
    admin = await users.save_admin(new_user("boss@example.com", Role.ADMIN))
    async with database.begin() as tx:
        await users.make_seller(tx, buyer.id)
        await users.make_seller(tx, admin.id)
    roles = [
        account.user.role
        for email in ("ana@example.com", "boss@example.com")
        if (account := await users.find(email))
    ]

    assert roles == [Role.SELLER, Role.ADMIN]
