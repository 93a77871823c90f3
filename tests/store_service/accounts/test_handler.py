"""Sessions over HTTP, on a real database and with Redis dead: nothing here needs it."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from pasar.kit import failpoints
from pasar.kit.postgres import PostgresDatabase, PostgresSettings
from pasar.kit.postgres_listen import Listener
from pasar.kit.settings import Duration
from pasar.kit.tokens import TokenSigner, TokenVerifier
from pasar.store_service.accounts.postgres_sessions import CHANNEL
from pasar.store_service.config import StoreConfig
from pasar.store_service.main import build
from pasar.store_service.web.route import Limit
from tests.store_service.served import SECRET, application, asked

NOBODY_LISTENS = 1  # port
PASSWORD = "secret1"
NEW_SECRET = "the new secret of the tests, 32 bytes or more"


@dataclass(frozen=True, slots=True)
class Api:
    http: httpx.AsyncClient

    async def post(self, path: str, token: str = "", **body: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return await self.http.post(path, json=body, headers=headers)

    async def joined(self, email: str = "ana@example.com") -> dict[str, str]:
        """Register and log in."""
        await self.post("/auth/register", email=email, password=PASSWORD, name="Ana")
        return await self.logged_in(email)

    async def logged_in(self, email: str = "ana@example.com") -> dict[str, str]:
        answer = await self.post("/auth/login", email=email, password=PASSWORD)
        return dict(answer.json()["data"])

    async def cart(self, token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return (await self.http.get("/cart", headers=headers)).status_code

    async def out_within(self, token: str, seconds: float) -> None:
        async with asyncio.timeout(seconds):
            while await self.cart(token) != 401:
                await asyncio.sleep(0.02)


def config(database: PostgresSettings, **changes: Any) -> StoreConfig:
    plain = StoreConfig(
        db_host=database.host,
        db_port=database.port,
        db_user=database.user,
        db_password=database.password,
        db_name=database.database,
        redis_host="127.0.0.1",
        redis_port=NOBODY_LISTENS,
        jwt_secret=SECRET,
        app_workers=1,
        argon2_memory=64,
        argon2_time=1,
    )
    return replace(plain, **changes)


@pytest.fixture
def changes() -> dict[str, Any]:
    """Settings of a test that wants others."""
    return {}


@pytest.fixture
async def api(clone: PostgresSettings, changes: dict[str, Any]) -> AsyncGenerator[Api]:
    settings = config(clone, **changes)
    parts = await build(settings, pool_size=4, wake=lambda: None)
    per_minute = {Limit.LOGIN: 0, Limit.PUBLIC: 1000, Limit.AUTH: 1000}
    live_tokens = parts.signing_in.live_tokens
    shop = application(settings, parts, verifier=live_tokens, per_minute=per_minute)
    listener = Listener(settings.postgres(1), CHANNEL, live_tokens.wake)
    await live_tokens.look()
    tasks = [asyncio.create_task(run()) for run in (live_tokens.run, listener.run)]
    async with asked(shop) as http:
        yield Api(http)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await parts.close()


def error_of(answer: httpx.Response) -> tuple[int, str, str]:
    (error,) = answer.json()["errors"]
    return answer.status_code, error["code"], error["message"]


async def test_a_refresh_needs_no_bearer_and_gives_two_new_tokens(api: Api) -> None:
    first = await api.joined()
    answer = await api.post("/auth/refresh", refresh_token=first["refresh_token"])
    second = answer.json()["data"]

    assert answer.status_code == 200
    assert {*second} == {"access_token", "refresh_token"}
    assert {*first.values()}.isdisjoint(second.values())
    assert answer.headers["Cache-Control"] == "no-store"
    assert await api.cart(second["access_token"]) == 200
    assert await api.cart(first["access_token"]) == 200, "a refresh ends no access token (D55)"


async def test_d4_the_kinds_of_token_are_not_interchangeable(api: Api) -> None:
    pair = await api.joined()
    refused = await api.post("/auth/refresh", refresh_token=pair["access_token"])

    assert error_of(refused) == (401, "UNAUTHORIZED", "invalid refresh token")
    assert await api.cart(pair["refresh_token"]) == 401


@pytest.mark.parametrize("path", ["/auth/refresh", "/auth/logout"])
async def test_a_missing_refresh_token_is_named(api: Api, path: str) -> None:
    (error,) = (await api.post(path)).json()["errors"]

    assert error == {
        "code": "VALIDATION_ERROR", "field": "refresh_token", "message": "is required",
    }  # fmt: skip


async def test_h42_killed_after_the_update_the_old_token_works(api: Api) -> None:
    """The process dies with the new pair in hand; whoever asks again gets that very pair."""
    first = await api.joined()
    failpoints.arm("refresh.after_update=raise", app_env="test")
    try:
        failed = await api.post("/auth/refresh", refresh_token=first["refresh_token"])
    finally:
        failpoints.arm("", app_env="test")
    again = await api.post("/auth/refresh", refresh_token=first["refresh_token"])
    pair = again.json()["data"]

    assert (failed.status_code, again.status_code) == (500, 200)
    assert await api.cart(pair["access_token"]) == 200
    renewed = await api.post("/auth/refresh", refresh_token=pair["refresh_token"])
    assert renewed.status_code == 200


async def test_d55_logout_ends_the_refresh_token_and_nothing_else(api: Api) -> None:
    pair = await api.joined()
    other = await api.logged_in()
    answer = await api.post("/auth/logout", refresh_token=pair["refresh_token"])

    assert (answer.status_code, answer.json()["data"]) == (200, {"message": "logged out"})
    refused = await api.post("/auth/refresh", refresh_token=pair["refresh_token"])
    assert error_of(refused) == (401, "UNAUTHORIZED", "invalid refresh token")
    assert await api.cart(pair["access_token"]) == 200
    assert (await api.post("/auth/refresh", refresh_token=other["refresh_token"])).is_success


async def test_h41_logout_everywhere_ends_access_tokens_too_within_5_s(api: Api) -> None:
    first, second = await api.joined(), await api.logged_in()
    bob = await api.joined("bob@example.com")
    answer = await api.post("/auth/logout-all", first["access_token"])
    again = await api.logged_in()

    assert (answer.status_code, answer.json()["data"]) == (200, {"message": "logged out"})
    for pair in (first, second):
        refused = await api.post("/auth/refresh", refresh_token=pair["refresh_token"])
        assert refused.status_code == 401
        await api.out_within(pair["access_token"], 5)
    assert await api.cart(again["access_token"]) == 200
    assert await api.cart(bob["access_token"]) == 200


async def test_d55_logout_everywhere_wants_a_bearer(api: Api) -> None:
    assert error_of(await api.post("/auth/logout-all")) == (
        401, "UNAUTHORIZED", "missing authorization header",
    )  # fmt: skip


class TestWithoutWakeUps:
    @pytest.fixture
    def changes(self) -> dict[str, Any]:
        return {"session_poll": Duration(0.1)}

    async def test_h41_a_disabled_account_is_out_within_5_s(
        self, api: Api, owner: PostgresDatabase
    ) -> None:
        """By a hand that tells nobody, so that looking every so often must find it."""
        pair = await api.joined()
        await owner.execute(
            "UPDATE users SET disabled_at = now(), sessions_revoked_at = now(),"
            " token_version = token_version + 1 WHERE email = 'ana@example.com'"
        )

        await api.out_within(pair["access_token"], 5)
        refused = await api.post("/auth/refresh", refresh_token=pair["refresh_token"])
        assert refused.status_code == 401


async def test_h41_a_new_sellers_old_token_stays_a_buyers_and_a_refresh_makes_a_sellers(
    api: Api,
) -> None:
    pair = await api.joined()
    await api.post("/stores", pair["access_token"], name="Kopi Nusantara")
    renewed = await api.post("/auth/refresh", refresh_token=pair["refresh_token"])
    seller = renewed.json()["data"]["access_token"]

    assert await api.cart(pair["access_token"]) == 200
    assert await api.cart(seller) == 403
    assert (await api.post("/auth/logout-all", seller)).is_success, "of whatever role"


async def test_h43_d56_the_eleventh_failure_is_told_to_wait(api: Api) -> None:
    wrong = {"email": "nobody@example.com", "password": "wrong"}
    answers = [await api.post("/auth/login", **wrong) for _ in range(11)]

    assert {answer.status_code for answer in answers[:10]} == {401}
    assert error_of(answers[10]) == (429, "RATE_LIMITED", "rate limit exceeded")
    assert 890 <= int(answers[10].headers["Retry-After"]) <= 900
    assert (await api.post("/auth/login", email=wrong["email"])).status_code == 400


class TestProduction:
    @pytest.fixture
    def changes(self) -> dict[str, Any]:
        return {"app_env": "production"}

    async def test_d56_passwords_have_eight_bytes(self, api: Api) -> None:
        ana = {"email": "ana@example.com", "name": "Ana"}
        short = await api.post("/auth/register", password="seven77", **ana)
        right = await api.post("/auth/register", password="eight888", **ana)

        assert error_of(short) == (400, "VALIDATION_ERROR", "minimum 8 characters")
        assert short.json()["errors"][0]["field"] == "password"
        assert right.status_code == 201


class TestKeyChange:
    @pytest.fixture
    def changes(self) -> dict[str, Any]:
        return {"jwt_secret": NEW_SECRET, "jwt_secret_previous": SECRET}

    async def test_h39_a_token_of_the_previous_key_is_good_and_new_ones_have_the_new(
        self, api: Api
    ) -> None:
        token = (await api.joined())["access_token"]
        old = TokenSigner(SECRET).sign(TokenVerifier(NEW_SECRET).verify(token))

        assert old != token
        assert await api.cart(old) == 200
