"""One promise, two keepers: sessions and failed logins in memory and in PostgreSQL."""

from typing import cast

import pytest

from pasar.kit.database import Database
from pasar.kit.postgres import PostgresDatabase
from pasar.store_service.accounts.model import Presented, TooManyFailures
from pasar.store_service.accounts.postgres import PostgresLoginWindows, PostgresUsers
from pasar.store_service.accounts.postgres_sessions import PostgresSessions
from pasar.store_service.accounts.repository import LoginWindows, Sessions, Users
from pasar.store_service.identity import Role
from tests.fakes.sessions import MemoryLoginWindows, MemorySessions
from tests.fakes.users import MemoryUsers
from tests.store_service.accounts.logins import (
    ADDRESS,
    Login,
    issued,
    new_user,
    presented,
    session_of,
)

GRACE_S = 10.0
ANOTHER = "198.51.100.9"


@pytest.fixture(params=["memory", "postgres"])
def users(request: pytest.FixtureRequest) -> Users:
    if request.param == "memory":
        return MemoryUsers()
    return PostgresUsers(cast("Database", request.getfixturevalue("database")))


@pytest.fixture
def sessions(users: Users) -> Sessions:
    if isinstance(users, MemoryUsers):
        return MemorySessions(users)
    return PostgresSessions(cast("PostgresUsers", users).database)


@pytest.fixture
def windows(users: Users) -> LoginWindows:
    if isinstance(users, MemoryUsers):
        return MemoryLoginWindows(users, limit=3, window_s=60)
    return PostgresLoginWindows(cast("PostgresUsers", users).database, limit=3, window_s=60)


@pytest.fixture
async def login(users: Users, sessions: Sessions) -> Login:
    return await Login.of(users, sessions)


class TestOpening:
    async def test_each_login_opens_a_session(self, login: Login) -> None:
        second = await login.again()

        assert await login.renew(second)
        assert await login.renew(login.first)

    async def test_a_session_of_ended_tokens_is_not_kept(
        self, users: Users, sessions: Sessions
    ) -> None:
        user = await users.insert(new_user())
        await users.disable(user.id)

        assert not await sessions.insert(session_of(user, token_version=0))
        assert await sessions.insert(session_of(user, token_version=1))


class TestRenewing:
    async def test_h42_a_token_is_used_up_by_its_successor(self, login: Login) -> None:
        second = await login.must_renew(login.first)

        assert await login.renew(login.first) is None
        assert await login.renew(second)

    async def test_d55_without_rotation_a_token_may_be_used_again(self, login: Login) -> None:
        second = await login.renew(login.first, rotate=False)

        assert second
        assert await login.renew(login.first, rotate=False)
        assert await login.renew(second, rotate=False)
        assert await login.renew(login.first)

    async def test_an_expired_token_is_not_renewed(self, users: Users, sessions: Sessions) -> None:
        login = await Login.of(users, sessions, lives_s=-1)

        assert await login.renew(login.first) is None

    async def test_a_token_is_known_by_its_hash_too(self, login: Login) -> None:
        forged = Presented(login.first.refresh_jti, b"\x07" * 32)

        assert not await login.sessions.renew(forged, issued(), b"", rotate=True)
        assert await login.sessions.repeat(forged, GRACE_S) is None
        await login.sessions.revoke(forged)
        assert await login.renew(login.first)

    async def test_an_unknown_token_changes_nothing(self, login: Login) -> None:
        assert await login.renew(issued()) is None
        assert await login.sessions.repeat(presented(issued()), GRACE_S) is None
        assert await login.renew(login.first)


class TestRepeating:
    async def test_h42_the_successor_is_told_while_it_is_unused(self, login: Login) -> None:
        second = await login.must_renew(login.first)

        assert await login.sessions.repeat(presented(login.first), GRACE_S) == second
        assert await login.sessions.repeat(presented(login.first), GRACE_S) == second
        assert await login.renew(second)

    async def test_h42_after_the_grace_the_family_ends_with_its_newest(self, login: Login) -> None:
        second = await login.must_renew(login.first)
        other = await login.again()

        assert await login.sessions.repeat(presented(login.first), grace_s=0) is None
        assert await login.renew(second) is None
        assert await login.renew(other)

    async def test_h42_once_the_successor_is_used_the_family_ends(self, login: Login) -> None:
        second = await login.must_renew(login.first)
        third = await login.must_renew(second)

        assert await login.sessions.repeat(presented(login.first), GRACE_S) is None
        assert await login.renew(third) is None
        assert await login.sessions.repeat(presented(second), GRACE_S) is None


class TestEnding:
    async def test_d55_logout_ends_one_family(self, login: Login) -> None:
        other = await login.again()
        second = await login.must_renew(login.first)
        await login.sessions.revoke(presented(login.first))
        await login.sessions.revoke(presented(login.first))

        assert await login.renew(second) is None
        assert await login.renew(other)
        assert await login.sessions.ended(60) == {}

    async def test_d55_logout_everywhere_ends_all_and_is_told(self, login: Login) -> None:
        other = await login.again()
        await login.sessions.end_all(login.user.id)

        assert await login.renew(login.first) is None
        assert await login.renew(other) is None
        assert await login.sessions.ended(60) == {login.user.id: 1}
        assert await login.sessions.ended(0) == {}
        assert await login.renew(await login.again())

    async def test_h41_disabling_ends_all_and_is_told(self, login: Login) -> None:
        await login.users.disable(login.user.id)

        assert await login.renew(login.first) is None
        assert await login.sessions.ended(60) == {login.user.id: 1}

    async def test_h41_a_new_admin_password_ends_all(
        self, users: Users, sessions: Sessions
    ) -> None:
        boss = await users.save_admin(new_user("boss@example.com", Role.ADMIN))
        account = await users.find_by_id(boss.id)
        assert account is not None
        session = session_of(boss, account.token_version)
        await sessions.insert(session)
        await users.save_admin(new_user("boss@example.com", Role.ADMIN))

        assert not await sessions.renew(presented(session.issue), issued(), b"", rotate=True)


class TestLoginWindows:
    async def test_h43_a_full_window_is_told_with_the_wait(self, windows: LoginWindows) -> None:
        for _ in range(3):
            await windows.admit("nobody@example.com", ADDRESS)

        with pytest.raises(TooManyFailures) as refusal:
            await windows.admit("NOBODY@example.com", ANOTHER)

        assert 55 <= refusal.value.retry_after_s <= 60
        await windows.admit("somebody@example.com", ADDRESS)

    async def test_h43_neither_refused_nor_forgiven_tries_count(
        self, windows: LoginWindows
    ) -> None:
        (first, *_) = [await windows.admit("ana@example.com", ADDRESS) for _ in range(3)]
        for _ in range(5):
            with pytest.raises(TooManyFailures):
                await windows.admit("ana@example.com", ADDRESS)
        await windows.forgive(first)

        await windows.admit("ana@example.com", ADDRESS)

    async def test_h43_the_owners_known_address_has_its_own_window(
        self, login: Login, windows: LoginWindows
    ) -> None:
        for _ in range(3):
            await windows.admit(login.user.email, ANOTHER)
        with pytest.raises(TooManyFailures):
            await windows.admit(login.user.email, "203.0.113.1")

        for _ in range(3):
            await windows.admit(login.user.email, ADDRESS)
        with pytest.raises(TooManyFailures):
            await windows.admit(login.user.email, ADDRESS)


async def test_the_rows_of_a_session_say_what_the_tokens_say(database: PostgresDatabase) -> None:
    login = await Login.of(PostgresUsers(database), PostgresSessions(database))
    second = await login.must_renew(login.first)
    rows = await database.fetch(
        "SELECT f.user_id, f.address_key, f.revoked_at, t.id, t.parent_id, t.role, t.access_jti,"
        " t.issued_at, t.expires_at, t.used_at IS NOT NULL AS used"
        " FROM refresh_tokens t JOIN refresh_families f ON f.id = t.family_id ORDER BY t.id"
    )

    assert [dict(row) for row in rows] == [
        {
            "user_id": login.user.id,
            "address_key": ADDRESS,
            "revoked_at": None,
            "id": issue.refresh_jti,
            "parent_id": parent,
            "role": "buyer",
            "access_jti": issue.access_jti,
            "issued_at": issue.issued_at,
            "expires_at": issue.expires_at,
            "used": used,
        }
        for issue, parent, used in (
            (login.first, None, True),
            (second, login.first.refresh_jti, False),
        )
    ]


async def test_h43_after_the_window_a_stranger_gets_in_again(
    database: PostgresDatabase, owner: PostgresDatabase
) -> None:
    windows = PostgresLoginWindows(database, limit=1, window_s=60)
    await windows.admit("ana@example.com", ADDRESS)
    await owner.execute("UPDATE login_failures SET at = at - interval '60 s'")

    await windows.admit("ana@example.com", ADDRESS)


async def test_h43_an_address_is_forgotten_after_thirty_days(
    database: PostgresDatabase, owner: PostgresDatabase
) -> None:
    login = await Login.of(PostgresUsers(database), PostgresSessions(database))
    await owner.execute("UPDATE refresh_families SET created_at = now() - interval '31 days'")
    windows = PostgresLoginWindows(database, limit=1, window_s=60)
    await windows.admit(login.user.email, ANOTHER)

    with pytest.raises(TooManyFailures):
        await windows.admit(login.user.email, ADDRESS)


async def test_failed_logins_are_kept_without_what_was_typed(
    database: PostgresDatabase, owner: PostgresDatabase
) -> None:
    windows = PostgresLoginWindows(database, limit=1, window_s=60)
    await windows.admit("my-pass-word", ADDRESS)
    (row,) = await owner.fetch("SELECT login_failures::text AS text FROM login_failures")

    assert "my-pass-word" not in row["text"]
