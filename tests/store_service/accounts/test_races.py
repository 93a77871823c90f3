"""What many do to one account at once, decided by the tables."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import cast

import pytest

from pasar.audit.check import check
from pasar.kit.clock import SystemClock
from pasar.kit.database import Database
from pasar.kit.ids import TimeOrderedIds
from pasar.kit.passwords import Passwords
from pasar.kit.postgres import PostgresDatabase
from pasar.kit.tokens import TokenSigner, TokenVerifier
from pasar.store_service.accounts.model import (
    BadCredentials,
    BadRefreshToken,
    EmailTaken,
    TokenPair,
    TooManyFailures,
    User,
)
from pasar.store_service.accounts.postgres import PostgresLoginWindows, PostgresUsers
from pasar.store_service.accounts.postgres_sessions import PostgresSessions, end_sessions
from pasar.store_service.accounts.rules import PasswordRule
from pasar.store_service.accounts.service import AccountService
from pasar.store_service.accounts.sessions import Issuer, SessionService
from tests.fixtures.counts import Count
from tests.kit.databases import until_somebody_waits
from tests.store_service.accounts.logins import issued, new_user, presented, session_of

SECRET = "the secret of these tests, long enough"
CROWD = 30
SPELLINGS = ("ana@example.com", "Ana@example.com", "ANA@EXAMPLE.COM")
EMAIL, PASSWORD, ADDRESS = "ana@example.com", "secret1", "192.0.2.7"
LIVE_TOKENS = """
SELECT count(*) AS n FROM refresh_tokens t JOIN refresh_families f ON f.id = t.family_id
WHERE t.used_at IS NULL AND f.revoked_at IS NULL
"""


class CountingPasswords(Passwords):
    verified = 0

    async def verify(self, password: str, password_hash: str | None) -> bool:
        self.verified += 1
        return await super().verify(password, password_hash)


@dataclass(frozen=True, slots=True)
class Door:
    """The way in and out, on a real database."""

    accounts: AccountService
    sessions: SessionService
    passwords: CountingPasswords

    async def login(self, address: str = ADDRESS) -> TokenPair:
        return await self.accounts.login(EMAIL, PASSWORD, address)

    async def survives(self, pair: TokenPair) -> bool:
        try:
            await self.sessions.refresh(pair.refresh_token)
        except BadRefreshToken:
            return False
        return True


@pytest.fixture
async def door(database: PostgresDatabase) -> AsyncGenerator[Door]:
    ids, users = TimeOrderedIds(), PostgresUsers(database)
    issuer = Issuer(TokenSigner(SECRET), ids, SystemClock(), access_s=900, refresh_s=900)
    passwords = CountingPasswords(memory_kib=64, passes=1, threads=2, queue=1000)
    sessions = PostgresSessions(database)
    yield Door(
        AccountService(
            users,
            sessions,
            PostgresLoginWindows(database, limit=10, window_s=900),
            passwords,
            issuer,
            ids,
            new_passwords=PasswordRule(least_bytes=6, refuse_common=False),
            tries_at_once=5,
        ),
        SessionService(users, sessions, issuer, TokenVerifier(SECRET), rotate=True, grace_s=10),
        passwords,
    )
    passwords.close()


async def test_d11_h20_of_thirty_simultaneous_registrations_one_gets_the_address(
    door: Door,
) -> None:
    outcomes = await asyncio.gather(
        *(door.accounts.register(SPELLINGS[n % 3], f"secret{n}", "Ana") for n in range(CROWD)),
        return_exceptions=True,
    )
    (winner,) = (outcome for outcome in outcomes if isinstance(outcome, User))
    losers = [outcome for outcome in outcomes if isinstance(outcome, EmailTaken)]

    assert len(losers) == CROWD - 1
    assert winner.email in SPELLINGS


async def test_h42_twenty_simultaneous_uses_of_a_token_leave_one_live(
    door: Door, database: PostgresDatabase, owner: PostgresDatabase
) -> None:
    """All are the rightful holder's, as nobody has used the successor: each gets the same pair."""
    await door.accounts.register(EMAIL, PASSWORD, "Ana")
    first = await door.login()
    pairs = await asyncio.gather(*(door.sessions.refresh(first.refresh_token) for _ in range(20)))
    row = await database.fetch_one(LIVE_TOKENS)

    assert len(set(pairs)) == 1
    assert first not in pairs
    assert row == {"n": 1}
    assert (await check(owner, calm_s=0)).broken == []
    assert await door.survives(pairs[0])


async def test_h42_of_thief_and_owner_in_turns_neither_stays(door: Door) -> None:
    await door.accounts.register(EMAIL, PASSWORD, "Ana")
    stolen = await door.login()
    thiefs = await door.sessions.refresh(stolen.refresh_token)
    thiefs = await door.sessions.refresh(thiefs.refresh_token)

    assert not await door.survives(stolen)
    assert not await door.survives(thiefs)


@pytest.mark.parametrize("ending", ["logout_all", "disable"])
async def test_h41_no_session_opened_or_renewed_meanwhile_survives_the_end_of_all(
    door: Door, ending: str
) -> None:
    user = await door.accounts.register(EMAIL, PASSWORD, "Ana")
    old = [await door.login() for _ in range(5)]
    end = door.sessions.logout_all if ending == "logout_all" else door.accounts.users.disable
    outcomes = await asyncio.gather(
        *(door.sessions.refresh(pair.refresh_token) for pair in old),
        *(door.login() for _ in range(5)),
        end(user.id),
        *(door.sessions.refresh(pair.refresh_token) for pair in old),
        *(door.login() for _ in range(5)),
        return_exceptions=True,
    )
    account = await door.accounts.users.find_by_id(user.id)
    assert account is not None
    verify = TokenVerifier(SECRET).verify
    pairs = [*old, *(outcome for outcome in outcomes if isinstance(outcome, TokenPair))]
    ended = [p for p in pairs if verify(p.access_token).ver < account.token_version]

    assert len(ended) >= len(old)
    assert not any([await door.survives(pair) for pair in ended])
    faults = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert all(isinstance(fault, BadRefreshToken | BadCredentials) for fault in faults), faults


async def test_h41_a_login_waits_for_the_end_of_all_and_opens_nothing(
    database: PostgresDatabase, owner: PostgresDatabase
) -> None:
    user = await PostgresUsers(database).insert(new_user())
    async with database.begin() as tx:
        await end_sessions(tx, user.id)
        opening = asyncio.create_task(PostgresSessions(database).insert(session_of(user)))
        await until_somebody_waits(owner)

    assert not await opening


async def test_h41_the_end_of_all_waits_for_a_login_and_ends_it_too(
    database: PostgresDatabase, owner: PostgresDatabase
) -> None:
    user, sessions = await PostgresUsers(database).insert(new_user()), PostgresSessions(database)
    session = session_of(user)
    async with database.begin() as tx:
        assert await PostgresSessions(cast("Database", tx)).insert(session)
        ending = asyncio.create_task(sessions.end_all(user.id))
        await until_somebody_waits(owner)
    await ending

    assert not await sessions.renew(presented(session.issue), issued(), b"", rotate=True)


async def test_h43_a_thousand_guesses_cost_ten_hashes_and_the_owner_gets_in(
    door: Door, count: Count
) -> None:
    await door.accounts.register(EMAIL, PASSWORD, "Ana")
    await door.login()
    door.passwords.verified = 0
    outcomes = await asyncio.gather(
        *(door.accounts.login(EMAIL, f"guess{n}", f"198.51.100.{n % 200}") for n in range(1000)),
        return_exceptions=True,
    )

    assert Counter(map(type, outcomes)) == {BadCredentials: 10, TooManyFailures: 990}
    assert door.passwords.verified == 10
    assert await door.login()
    with pytest.raises(TooManyFailures):
        await door.login("203.0.113.1")
    count("guesses at one account", 1000)
