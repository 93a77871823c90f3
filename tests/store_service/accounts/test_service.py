"""What registering, logging in and setting up an admin promise."""

import asyncio
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import bcrypt
import jwt
import pytest

from pasar.kit.errors import Invalid, Unavailable
from pasar.kit.ids import TimeOrderedIds
from pasar.kit.passwords import Passwords
from pasar.kit.tokens import BadToken, TokenSigner, TokenVerifier
from pasar.store_service.accounts.model import (
    Account,
    BadCredentials,
    EmailTaken,
    TooManyFailures,
)
from pasar.store_service.accounts.rules import (
    SEEDED_ADMIN_EMAIL,
    SEEDED_ADMIN_PASSWORD,
    PasswordRule,
)
from pasar.store_service.accounts.service import AccountService
from pasar.store_service.accounts.sessions import Issuer
from pasar.store_service.identity import Role
from tests.fakes.clock import HeldClock
from tests.fakes.sessions import MemoryLoginWindows, MemorySessions
from tests.fakes.users import MemoryUsers

SECRET = "the secret of these tests, long enough"
ADDRESS = "192.0.2.7"
NOW = datetime.now(UTC).replace(microsecond=0)


class WatchedPasswords(Passwords):
    """Remembers which hash each verification was asked for; may be interrupted by a disabling."""

    def __init__(self, users: MemoryUsers) -> None:
        super().__init__(memory_kib=64, passes=1, threads=1, queue=3)
        self.users = users
        self.asked: list[str | None] = []
        self.full = False
        self.disable_meanwhile: Account | None = None

    async def verify(self, password: str, password_hash: str | None) -> bool:
        self.asked.append(password_hash)
        if self.full:
            raise Unavailable
        if self.disable_meanwhile:
            await self.users.disable(self.disable_meanwhile.user.id)
        return await super().verify(password, password_hash)


@pytest.fixture
def users() -> MemoryUsers:
    return MemoryUsers()


@pytest.fixture
def sessions(users: MemoryUsers) -> MemorySessions:
    return MemorySessions(users)


@pytest.fixture
def passwords(users: MemoryUsers) -> Iterator[WatchedPasswords]:
    watched = WatchedPasswords(users)
    yield watched
    watched.close()


@pytest.fixture
def windows(users: MemoryUsers) -> MemoryLoginWindows:
    return MemoryLoginWindows(users, limit=3)


@pytest.fixture
def accounts(
    users: MemoryUsers,
    sessions: MemorySessions,
    windows: MemoryLoginWindows,
    passwords: WatchedPasswords,
) -> AccountService:
    ids = TimeOrderedIds()
    issuer = Issuer(TokenSigner(SECRET), ids, HeldClock(NOW), access_s=900, refresh_s=604_800)
    return AccountService(
        users,
        sessions,
        windows,
        passwords,
        issuer,
        ids,
        new_passwords=PasswordRule(least_bytes=7, refuse_common=False),
        tries_at_once=2,
    )


async def account_of(users: MemoryUsers, email: str) -> Account:
    account = await users.find(email)
    assert account is not None
    return account


async def give_hash(users: MemoryUsers, email: str, password_hash: str) -> None:
    account = await account_of(users, email)
    users.accounts[account.user.id] = replace(account, password_hash=password_hash)


async def seed_admin(accounts: AccountService, users: MemoryUsers) -> None:
    """Plant the account that the migration seeds."""
    await accounts.register(SEEDED_ADMIN_EMAIL, SEEDED_ADMIN_PASSWORD, "Admin")
    account = await account_of(users, SEEDED_ADMIN_EMAIL)
    admin = replace(account, user=replace(account.user, role=Role.ADMIN))
    users.accounts[account.user.id] = admin


async def test_everybody_registers_as_a_buyer_and_keeps_the_spelling(
    accounts: AccountService, users: MemoryUsers
) -> None:
    user = await accounts.register("Ana@Example.com", "secret1", " Ana ")

    assert (user.email, user.name, user.role) == ("Ana@Example.com", " Ana ", Role.BUYER)
    assert (await account_of(users, user.email)).password_hash.startswith("$argon2id$")


async def test_d41_an_address_registers_once_in_whatever_letter_case(
    accounts: AccountService,
) -> None:
    await accounts.register("ana@example.com", "secret1", "Ana")

    with pytest.raises(EmailTaken, match="email already registered"):
        await accounts.register("ANA@example.com", "secret2", "Another")


async def test_a_login_gives_an_access_token_that_says_who_it_is(accounts: AccountService) -> None:
    user = await accounts.register("ana@example.com", "secret1", "Ana")
    pair = await accounts.login("ana@example.com", "secret1", ADDRESS)
    claims = TokenVerifier(SECRET).verify(pair.access_token)

    assert (claims.user_id, claims.email, claims.role) == (str(user.id), user.email, "buyer")
    assert (claims.iat, claims.exp) == (int(NOW.timestamp()), int(NOW.timestamp()) + 900)


async def test_d4_a_refresh_token_opens_nothing_by_itself(accounts: AccountService) -> None:
    await accounts.register("ana@example.com", "secret1", "Ana")
    pair = await accounts.login("ana@example.com", "secret1", ADDRESS)

    with pytest.raises(BadToken):
        TokenVerifier(SECRET).verify(pair.refresh_token)


async def test_a_login_leaves_a_family_that_knows_its_token_by_hash(
    accounts: AccountService, sessions: MemorySessions
) -> None:
    user = await accounts.register("ana@example.com", "secret1", "Ana")
    pair = await accounts.login("ana@example.com", "secret1", ADDRESS)
    access, refresh = (
        jwt.decode(token, SECRET, ["HS256"], {"verify_iat": False})
        for token in (pair.access_token, pair.refresh_token)
    )
    (session,) = sessions.kept
    issue = session.issue

    assert (session.user_id, issue.role, session.address) == (user.id, Role.BUYER, ADDRESS)
    assert session.token_sha256 == hashlib.sha256(pair.refresh_token.encode()).digest()
    assert (str(issue.access_jti), str(issue.refresh_jti)) == (access["jti"], refresh["jti"])
    assert issue.issued_at == NOW
    assert issue.expires_at == NOW + timedelta(days=7)
    assert refresh["exp"] == int(issue.expires_at.timestamp())


async def test_no_two_logins_share_anything(
    accounts: AccountService, sessions: MemorySessions
) -> None:
    await accounts.register("ana@example.com", "secret1", "Ana")
    first = await accounts.login("ana@example.com", "secret1", ADDRESS)
    second = await accounts.login("ana@example.com", "secret1", ADDRESS)

    tokens = {first.access_token, first.refresh_token, second.access_token, second.refresh_token}

    assert len(tokens) == 4
    assert len({session.family_id for session in sessions.kept}) == 2


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ana@example.com", "secret2"),
        ("ana@example.com", "secret1" + "x" * 66),
        ("bob@example.com", "secret1"),
        ("not an address", "secret1"),
    ],
)
async def test_d40_wrong_password_and_unknown_address_get_one_answer_after_the_same_work(
    accounts: AccountService, passwords: WatchedPasswords, email: str, password: str
) -> None:
    await accounts.register("ana@example.com", "secret1", "Ana")

    with pytest.raises(BadCredentials, match="invalid email or password"):
        await accounts.login(email, password, ADDRESS)

    assert len(passwords.asked) == 1


async def test_h43_d40_an_address_too_long_for_any_account_is_an_unknown_one_and_goes_nowhere(
    accounts: AccountService, passwords: WatchedPasswords, windows: MemoryLoginWindows
) -> None:
    endless = "x" * 1_000_000 + "@example.com"
    for spelling in endless, endless.upper(), endless:
        with pytest.raises(BadCredentials, match="invalid email or password"):
            await accounts.login(spelling, "secret1", ADDRESS)
    with pytest.raises(TooManyFailures):
        await accounts.login(endless, "secret1", ADDRESS)

    assert passwords.asked == [None] * 3
    assert {len(email) for email, *_ in windows.tries.values()} == {64}


async def test_an_address_as_long_as_an_account_can_have_logs_in(accounts: AccountService) -> None:
    longest = "x" * 243 + "@example.com"
    await accounts.register(longest, "secret1", "Ana")

    assert await accounts.login(longest, "secret1", ADDRESS)


async def test_a_disabled_account_gets_the_same_answer_too(
    accounts: AccountService, users: MemoryUsers, sessions: MemorySessions
) -> None:
    user = await accounts.register("ana@example.com", "secret1", "Ana")
    await users.disable(user.id)

    with pytest.raises(BadCredentials):
        await accounts.login("ana@example.com", "secret1", ADDRESS)

    assert sessions.kept == []


async def test_a_login_overtaken_by_a_disabling_opens_nothing(
    accounts: AccountService,
    users: MemoryUsers,
    passwords: WatchedPasswords,
    sessions: MemorySessions,
) -> None:
    await accounts.register("ana@example.com", "secret1", "Ana")
    passwords.disable_meanwhile = await account_of(users, "ana@example.com")

    with pytest.raises(BadCredentials):
        await accounts.login("ana@example.com", "secret1", ADDRESS)

    assert sessions.kept == []


async def test_h45_a_migrated_hash_is_replaced_by_the_first_right_login_only(
    accounts: AccountService, users: MemoryUsers
) -> None:
    await accounts.register("ana@example.com", "anything", "Ana")
    migrated = bcrypt.hashpw(b"secret1", bcrypt.gensalt(4, b"2a")).decode()
    await give_hash(users, "ana@example.com", migrated)

    with pytest.raises(BadCredentials):
        await accounts.login("ana@example.com", "secret2", ADDRESS)
    assert (await account_of(users, "ana@example.com")).password_hash == migrated

    await accounts.login("ana@example.com", "secret1", ADDRESS)
    renewed = (await account_of(users, "ana@example.com")).password_hash
    assert renewed.startswith("$argon2id$")

    await accounts.login("ana@example.com", "secret1", ADDRESS)
    assert (await account_of(users, "ana@example.com")).password_hash == renewed


async def test_d56_a_short_password_is_refused_by_name(accounts: AccountService) -> None:
    """The contract's own six bytes are a field rule; production asks for eight."""
    with pytest.raises(Invalid, match="minimum 7 characters") as refusal:
        await accounts.register("ana@example.com", "secret", "Ana")

    assert refusal.value.field == "password"


@pytest.mark.parametrize("known", [True, False])
async def test_h43_a_full_window_looks_at_no_password(
    accounts: AccountService, passwords: WatchedPasswords, known: bool
) -> None:
    if known:
        await accounts.register("ana@example.com", "secret1", "Ana")
    for _ in range(3):
        with pytest.raises(BadCredentials):
            await accounts.login("ana@example.com", "wrong", ADDRESS)
    for _ in range(5):
        with pytest.raises(TooManyFailures):
            await accounts.login("ANA@example.com", "secret1", ADDRESS)

    assert len(passwords.asked) == 3


async def test_h43_what_did_not_fail_does_not_count(
    accounts: AccountService, passwords: WatchedPasswords, windows: MemoryLoginWindows
) -> None:
    await accounts.register("ana@example.com", "secret1", "Ana")
    await accounts.login("ana@example.com", "secret1", ADDRESS)
    passwords.full = True
    with pytest.raises(Unavailable):
        await accounts.login("ana@example.com", "wrong", ADDRESS)

    assert windows.tries == {}


async def test_h43_a_crowd_of_right_logins_fills_no_window(
    accounts: AccountService, windows: MemoryLoginWindows
) -> None:
    await accounts.register("ana@example.com", "secret1", "Ana")
    addresses = [f"192.0.2.{n}" for n in range(20)]
    pairs = await asyncio.gather(
        *(accounts.login("ana@example.com", "secret1", address) for address in addresses)
    )

    assert len({pair.refresh_token for pair in pairs}) == 20
    assert windows.tries == {}


async def test_a_new_admin_ends_the_published_password(
    accounts: AccountService, users: MemoryUsers
) -> None:
    await seed_admin(accounts, users)
    assert await accounts.default_admin_in_force()

    admin = await accounts.create_admin("boss@example.com", "a good one", "Boss")

    assert admin.role is Role.ADMIN
    assert not await accounts.default_admin_in_force()
    with pytest.raises(BadCredentials):
        await accounts.login(SEEDED_ADMIN_EMAIL, SEEDED_ADMIN_PASSWORD, ADDRESS)
    assert await accounts.login("boss@example.com", "a good one", ADDRESS)


async def test_the_seeded_admin_may_be_kept_with_a_password_of_its_own(
    accounts: AccountService, users: MemoryUsers
) -> None:
    await seed_admin(accounts, users)
    await accounts.create_admin(SEEDED_ADMIN_EMAIL, "a good one", "Boss")
    await accounts.create_admin("boss@example.com", "a good one", "Boss")

    assert not await accounts.default_admin_in_force()
    assert await accounts.login(SEEDED_ADMIN_EMAIL, "a good one", ADDRESS)


async def test_the_published_password_counts_also_in_a_renewed_hash(
    accounts: AccountService, users: MemoryUsers, passwords: WatchedPasswords
) -> None:
    await seed_admin(accounts, users)
    await give_hash(users, SEEDED_ADMIN_EMAIL, await passwords.hash(SEEDED_ADMIN_PASSWORD))

    assert await accounts.default_admin_in_force()


async def test_without_the_seeded_account_nothing_is_in_force(accounts: AccountService) -> None:
    assert not await accounts.default_admin_in_force()


async def test_no_buyer_becomes_an_admin_by_the_back_door(accounts: AccountService) -> None:
    await accounts.register("ana@example.com", "secret1", "Ana")

    with pytest.raises(EmailTaken):
        await accounts.create_admin("ana@example.com", "a good one", "Boss")


@pytest.mark.parametrize("password", ["", "seven77", "x" * 73, SEEDED_ADMIN_PASSWORD])
async def test_a_poor_password_guards_no_admin(accounts: AccountService, password: str) -> None:
    with pytest.raises(Invalid) as refusal:
        await accounts.create_admin("boss@example.com", password, "Boss")

    assert refusal.value.field == "password"
