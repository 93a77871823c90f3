"""A running shop to attack: the one of the journeys, on the broker that is always there."""

import os
from collections.abc import AsyncGenerator, Mapping

import httpx
import pytest

from pasar.engines.valkey_login import ValkeyLogin
from tests.fixtures.counts import Count
from tests.journeys.conftest import redis_variables, shop, shop_database  # noqa: F401  fixtures
from tests.journeys.shop import Shop
from tests.security.headers import Sweep

LONG = "LONG" in os.environ
"""Run what takes minutes or a quiet machine, too: `make security-long`."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = [] if LONG else [item for item in items if item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="module")
def broker_variables(valkey: ValkeyLogin) -> Mapping[str, str]:
    return {"BROKER": "streams", **redis_variables(valkey)}


@pytest.fixture
async def http(shop: Shop, count: Count) -> AsyncGenerator[httpx.AsyncClient]:  # noqa: F811  above
    """A client of the shop, each of whose answers is swept; at the end every invariant holds."""
    swept = Sweep()
    async with shop.http() as client:
        client.event_hooks["response"].append(swept.check)
        yield client
    count("answers whose headers were swept", swept.answers)
    assert await shop.broken_for_good() == {}
