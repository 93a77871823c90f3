"""What renewing and ending a session promise, whoever keeps them."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import msgspec
import pytest

from pasar.kit.ids import TimeOrderedIds
from pasar.kit.tokens import ACCESS, REFRESH, Claims, TokenSigner, TokenVerifier
from pasar.store_service.accounts.model import BadRefreshToken, Session, TokenPair, User
from pasar.store_service.accounts.sessions import Issuer, SessionService, sha256
from pasar.store_service.identity import Role
from tests.fakes.clock import HeldClock
from tests.fakes.sessions import MemorySessions
from tests.fakes.users import MemoryUsers
from tests.store_service.accounts.logins import ADDRESS, IDS, new_user

SECRET = "the secret of these tests, long enough"
OTHER_SECRET = "another secret, also long enough"
GRACE_S = 10


class Door:
    """A session service over memory, and one account with a session."""

    def __init__(self, *, rotate: bool = True, previous: str = "") -> None:
        self.users = MemoryUsers()
        self.sessions = MemorySessions(self.users)
        self.clock = HeldClock(datetime.now(UTC).replace(microsecond=0))
        signer = TokenSigner(SECRET)
        self.issuer = Issuer(signer, TimeOrderedIds(), self.clock, access_s=900, refresh_s=3600)
        self.service = SessionService(
            self.users,
            self.sessions,
            self.issuer,
            TokenVerifier(SECRET, previous),
            rotate=rotate,
            grace_s=GRACE_S,
        )

    async def login(self, issuer: Issuer | None = None) -> tuple[User, TokenPair]:
        user = await self.users.insert(new_user())
        account = self.users.accounts[user.id]
        issue = self.issuer.issue(user.role)
        pair = (issuer or self.issuer).pair(account, issue)
        session = Session(
            family_id=IDS.new(),
            user_id=user.id,
            token_version=0,
            address=ADDRESS,
            issue=issue,
            token_sha256=sha256(pair.refresh_token),
        )
        assert await self.sessions.insert(session)
        return user, pair

    def make_seller(self, user: User) -> None:
        account = self.users.accounts[user.id]
        self.users.accounts[user.id] = replace(account, user=replace(user, role=Role.SELLER))

    def grace_passes(self) -> None:
        for token in self.sessions.tokens.values():
            if token.used_at:
                token.used_at -= timedelta(seconds=GRACE_S + 1)


def opened(token: str) -> Claims:
    claims = jwt.decode(token, SECRET, ["HS256"], {"verify_iat": False})
    return Claims(**claims)


async def test_a_refresh_gives_two_new_tokens_of_the_same_user() -> None:
    door = Door()
    user, first = await door.login()
    door.clock.advance(60)
    second = await door.service.refresh(first.refresh_token)
    access, refresh = opened(second.access_token), opened(second.refresh_token)
    now = int(door.clock.now().timestamp())

    assert {*vars_of(first)}.isdisjoint(vars_of(second))
    assert (access.token_type, refresh.token_type) == (ACCESS, REFRESH)
    assert (access.user_id, access.email, access.role) == (str(user.id), user.email, "buyer")
    assert (access.iat, access.exp, refresh.exp) == (now, now + 900, now + 3600)
    assert await door.service.refresh(second.refresh_token)


def vars_of(pair: TokenPair) -> tuple[str, str]:
    return pair.access_token, pair.refresh_token


async def test_d4_a_refresh_gives_the_role_of_today() -> None:
    door = Door()
    user, first = await door.login()
    door.make_seller(user)
    second = await door.service.refresh(first.refresh_token)

    assert opened(second.access_token).role == "seller"


async def test_d4_nobody_refreshes_for_an_account_that_is_gone() -> None:
    door = Door()
    user, first = await door.login()
    del door.users.accounts[user.id]

    with pytest.raises(BadRefreshToken):
        await door.service.refresh(first.refresh_token)


async def test_h41_a_disabled_account_is_not_refreshed_even_after_it_is_back() -> None:
    door = Door()
    user, first = await door.login()
    await door.users.disable(user.id)
    with pytest.raises(BadRefreshToken, match=r"^invalid refresh token$"):
        await door.service.refresh(first.refresh_token)
    account = door.users.accounts[user.id]
    door.users.accounts[user.id] = replace(account, disabled=False)

    with pytest.raises(BadRefreshToken):
        await door.service.refresh(first.refresh_token)


async def test_h42_a_repeat_within_the_grace_gets_the_very_same_pair() -> None:
    door = Door()
    _, first = await door.login()
    second = await door.service.refresh(first.refresh_token)
    door.clock.advance(5)

    assert await door.service.refresh(first.refresh_token) == second
    assert await door.service.refresh(second.refresh_token)


async def test_h42_a_repeat_keeps_the_role_that_the_lost_answer_had() -> None:
    door = Door()
    user, first = await door.login()
    second = await door.service.refresh(first.refresh_token)
    door.make_seller(user)

    assert await door.service.refresh(first.refresh_token) == second


async def test_h42_a_late_repeat_ends_the_family() -> None:
    door = Door()
    _, first = await door.login()
    second = await door.service.refresh(first.refresh_token)
    door.grace_passes()

    for token in (first.refresh_token, second.refresh_token):
        with pytest.raises(BadRefreshToken):
            await door.service.refresh(token)


async def test_h42_the_first_token_after_the_third_ends_the_family_within_the_grace() -> None:
    door = Door()
    _, first = await door.login()
    second = await door.service.refresh(first.refresh_token)
    third = await door.service.refresh(second.refresh_token)

    for token in (first.refresh_token, third.refresh_token):
        with pytest.raises(BadRefreshToken):
            await door.service.refresh(token)


async def test_d55_without_rotation_a_refresh_token_works_until_it_expires() -> None:
    door = Door(rotate=False)
    _, first = await door.login()
    pairs = [await door.service.refresh(first.refresh_token) for _ in range(3)]
    door.grace_passes()

    assert len({*pairs, await door.service.refresh(first.refresh_token)}) == 4
    await door.service.logout(pairs[0].refresh_token)
    for pair in (first, *pairs):
        with pytest.raises(BadRefreshToken):
            await door.service.refresh(pair.refresh_token)


async def test_d55_logout_ends_the_family_by_any_of_its_tokens_and_any_number_of_times() -> None:
    door = Door()
    _, first = await door.login()
    second = await door.service.refresh(first.refresh_token)
    await door.service.logout(first.refresh_token)
    await door.service.logout(second.refresh_token)

    with pytest.raises(BadRefreshToken):
        await door.service.refresh(second.refresh_token)


async def test_h39_a_token_of_the_previous_key_is_exchanged_for_one_of_the_new() -> None:
    retired = Door(previous=OTHER_SECRET)
    old = Issuer(TokenSigner(OTHER_SECRET), IDS, retired.clock, access_s=900, refresh_s=3600)
    _, first = await retired.login(old)
    second = await retired.service.refresh(first.refresh_token)

    assert opened(second.access_token)
    assert opened(second.refresh_token)


def refresh_claims(**changes: Any) -> Claims:
    claims = Claims(
        user_id=str(IDS.new()), token_type=REFRESH, jti=str(IDS.new()), exp=int(time.time()) + 900
    )
    return msgspec.structs.replace(claims, **changes)


SIGNED: list[Callable[[], str]] = [
    lambda: "",
    lambda: "not a token",
    lambda: TokenSigner(SECRET).sign(refresh_claims(exp=int(time.time()) - 1)),
    lambda: TokenSigner(SECRET).sign(refresh_claims(token_type=ACCESS)),
    lambda: TokenSigner(SECRET).sign(refresh_claims(user_id="42")),
    lambda: TokenSigner(SECRET).sign(refresh_claims(jti="1")),
    lambda: TokenSigner(SECRET).sign(refresh_claims()),
    lambda: TokenSigner(OTHER_SECRET).sign(refresh_claims()),
]


@pytest.mark.parametrize("token", SIGNED)
async def test_d4_what_is_no_refresh_token_is_refused(token: Callable[[], str]) -> None:
    with pytest.raises(BadRefreshToken, match=r"^invalid refresh token$"):
        await Door().service.refresh(token())


async def test_d4_an_access_token_neither_refreshes_nor_logs_out() -> None:
    door = Door()
    _, pair = await door.login()

    for use in (door.service.refresh, door.service.logout):
        with pytest.raises(BadRefreshToken):
            await use(pair.access_token)
