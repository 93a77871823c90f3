"""Which access tokens a process takes for live, and how it learns of the others."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from uuid import UUID

import pytest

from pasar.kit.errors import Unavailable
from pasar.kit.tokens import ACCESS, BadToken, Claims, TokenSigner, TokenVerifier
from pasar.store_service.accounts.in_process import LiveTokens
from pasar.store_service.identity import UserId
from tests.fakes.sessions import MemorySessions
from tests.fakes.users import MemoryUsers
from tests.store_service.accounts.logins import IDS

SECRET = "the secret of these tests, long enough"
ANA = UserId(IDS.new())
NEVER_S = 3600


class ToldSessions(MemorySessions):
    """Says what it is told to, or is away; remembers how far back it was asked."""

    def __init__(self) -> None:
        super().__init__(MemoryUsers())
        self.versions: dict[UserId, int] = {}
        self.away = False
        self.within_s = 0.0
        self.asked = asyncio.Event()

    async def ended(self, within_s: float) -> Mapping[UserId, int]:
        self.within_s = within_s
        self.asked.set()
        if self.away:
            raise Unavailable
        return dict(self.versions)


@pytest.fixture
def sessions() -> ToldSessions:
    return ToldSessions()


@pytest.fixture
def live(sessions: ToldSessions) -> LiveTokens:
    return LiveTokens(TokenVerifier(SECRET), sessions, access_s=900, poll_s=NEVER_S)


@pytest.fixture
async def running(live: LiveTokens) -> AsyncGenerator[LiveTokens]:
    task = asyncio.create_task(live.run())
    yield live
    task.cancel()


def token(version: int, user_id: UUID = ANA) -> str:
    claims = Claims(
        user_id=str(user_id), token_type=ACCESS, jti="1", ver=version, exp=int(time.time()) + 900
    )
    return TokenSigner(SECRET).sign(claims)


async def test_h41_tokens_of_a_lower_version_are_over(
    live: LiveTokens, sessions: ToldSessions
) -> None:
    sessions.versions = {ANA: 2}
    await live.look()

    assert live.verify(token(2)).ver == 2
    assert live.verify(token(0, IDS.new()))
    with pytest.raises(BadToken):
        live.verify(token(1))


async def test_h41_accounts_are_held_for_one_lifetime_of_an_access_token(
    live: LiveTokens, sessions: ToldSessions
) -> None:
    sessions.versions = {ANA: 1}
    await live.look()
    sessions.versions = {}
    await live.look()

    assert live.verify(token(0))
    assert 900 <= sessions.within_s <= 1000


async def test_before_the_first_look_no_token_is_judged(
    live: LiveTokens, sessions: ToldSessions
) -> None:
    sessions.away = True
    await live.look()

    with pytest.raises(Unavailable):
        live.verify(token(0))
    with pytest.raises(BadToken):
        live.verify("forged")


async def test_what_is_known_stays_in_force_while_the_database_is_away(
    live: LiveTokens, sessions: ToldSessions
) -> None:
    sessions.versions = {ANA: 1}
    await live.look()
    sessions.away = True
    await live.look()

    with pytest.raises(BadToken):
        live.verify(token(0))
    assert live.verify(token(1))


async def test_a_wake_up_makes_it_look_at_once(running: LiveTokens, sessions: ToldSessions) -> None:
    async with asyncio.timeout(5):
        await sessions.asked.wait()
        sessions.asked.clear()
        sessions.versions = {ANA: 1}
        running.wake()
        await sessions.asked.wait()

    with pytest.raises(BadToken):
        running.verify(token(0))


async def test_without_a_wake_up_it_looks_every_so_often(sessions: ToldSessions) -> None:
    live = LiveTokens(TokenVerifier(SECRET), sessions, access_s=900, poll_s=0.01)
    task = asyncio.create_task(live.run())
    async with asyncio.timeout(5):
        for _ in range(3):
            sessions.asked.clear()
            await sessions.asked.wait()
    task.cancel()
