"""Forged and confused tokens at the door of a running shop: one sentence, one status."""

from collections.abc import Mapping

import httpx
import pytest

from pasar.engines.valkey_login import ValkeyLogin
from tests.fixtures.counts import Count
from tests.journeys.conftest import redis_variables
from tests.kit.test_tokens import FORGED, GOOD, SECRET

INVALID = [{"code": "UNAUTHORIZED", "message": "invalid or expired token"}]
NO_TOKEN = [{"code": "UNAUTHORIZED", "message": "invalid refresh token"}]


@pytest.fixture(scope="module")
def broker_variables(valkey: ValkeyLogin) -> Mapping[str, str]:
    """The shop signs with the key that the forger of these tokens knows."""
    return {"BROKER": "streams", "JWT_SECRET": SECRET, **redis_variables(valkey)}


async def test_h39_no_forged_token_opens_or_renews_anything(
    http: httpx.AsyncClient, count: Count
) -> None:
    writable = [token for token in FORGED.values() if token.isascii() and token.isprintable()]
    usable = [token for token in writable if token and " " not in token]
    for token in usable:
        bearer = await http.get("/api/v1/cart", headers={"Authorization": f"Bearer {token}"})
        assert (bearer.status_code, bearer.json()["errors"]) == (401, INVALID), token
    for token in (*usable, GOOD):
        body = {"refresh_token": token}
        renewed = await http.post("/api/v1/auth/refresh", json=body)
        assert (renewed.status_code, renewed.json()["errors"]) == (401, NO_TOKEN), token

    known = {"Authorization": f"Bearer {GOOD}"}  # the id in the path is judged after the token
    assert (await http.delete("/api/v1/cart/items/x", headers=known)).status_code == 400
    assert len(usable) >= 25
    count("forged tokens", len(usable))
