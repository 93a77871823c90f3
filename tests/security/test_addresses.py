"""Whoever invents addresses is counted at the one that the connection comes from."""

import random
from collections import Counter
from collections.abc import Mapping
from typing import Final

import httpx
import pytest

from pasar.engines.valkey_login import ValkeyLogin
from tests.fixtures.counts import Count
from tests.journeys.conftest import redis_variables

LIMIT: Final = 60
REQUESTS: Final = 200


@pytest.fixture(scope="module")
def broker_variables(valkey: ValkeyLogin) -> Mapping[str, str]:
    return {"BROKER": "streams", "RATE_LIMIT_PUBLIC": str(LIMIT), **redis_variables(valkey)}


async def test_h51_two_hundred_invented_addresses_share_one_window(
    http: httpx.AsyncClient, count: Count
) -> None:
    statuses: Counter[int] = Counter()
    for _ in range(REQUESTS):
        invented = ".".join(str(random.randrange(256)) for _ in range(4))  # noqa: S311  no secret
        headers = {"X-Forwarded-For": invented, "Forwarded": f"for={invented}"}
        answer = await http.get("/api/v1/products", headers={**headers, "X-Real-IP": invented})
        statuses[answer.status_code] += 1

    assert statuses == {200: LIMIT, 429: REQUESTS - LIMIT}
    count("requests from invented addresses", REQUESTS)
