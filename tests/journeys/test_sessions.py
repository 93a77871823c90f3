"""Sessions of a running shop: its processes learn by themselves whose are over."""

from collections.abc import Mapping

import httpx
import pytest

from pasar.engines.valkey_login import ValkeyLogin
from tests.journeys.conftest import redis_variables
from tests.journeys.people import PASSWORD, Person, newcomer
from tests.journeys.shop import Shop
from tests.waiting import eventually


@pytest.fixture(scope="module")
def broker_variables(valkey: ValkeyLogin) -> Mapping[str, str]:
    """One broker is enough here, and a poll too slow to be what told the process."""
    return {"BROKER": "streams", "SESSION_POLL": "1h", **redis_variables(valkey)}


async def test_h41_logout_everywhere_is_told_to_the_process_that_serves(
    http: httpx.AsyncClient,
) -> None:
    ana = await newcomer(http)
    await ana.must("POST", "/auth/logout-all")

    async def out() -> bool:
        return (await ana.ask("GET", "/cart")).status_code == 401

    await eventually(out, within_s=5, what="the token being over")
    assert (await (await ana.logged_in()).ask("GET", "/cart")).is_success


async def test_h42_a_session_goes_on_by_refreshing_until_a_used_token_comes_again(
    shop: Shop, http: httpx.AsyncClient
) -> None:
    ana = await newcomer(http)
    login = {"email": ana.email, "password": PASSWORD}
    first = await ana.must("POST", "/auth/login", login)

    async def refreshed(pair: Mapping[str, str]) -> httpx.Response:
        body = {"refresh_token": pair["refresh_token"]}
        return await Person(http, ana.email).ask("POST", "/auth/refresh", body)

    second = (await refreshed(first)).json()["data"]
    third = (await refreshed(second)).json()["data"]
    stolen = await refreshed(first)

    assert stolen.status_code == 401
    assert (await refreshed(third)).status_code == 401
    assert (await Person(http, ana.email, third["access_token"]).ask("GET", "/cart")).is_success
    revoked = "SELECT count(*) FROM refresh_families WHERE revoked_at IS NOT NULL"
    assert await shop.count(revoked) >= 1
