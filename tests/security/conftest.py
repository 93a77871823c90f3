"""A running shop to attack: the one of the journeys, on the broker that is always there."""

import os
from collections.abc import AsyncGenerator, Mapping

import httpx
import pytest

from pasar.engines.valkey_login import ValkeyLogin
from tests.journeys.conftest import redis_variables, shop, shop_database  # noqa: F401  fixtures
from tests.journeys.people import eventually
from tests.journeys.shop import Shop

LONG = "LONG" in os.environ
"""Run what takes minutes or a quiet machine, too: `make security-long`."""

PENDING = "SELECT count(*) FROM orders WHERE status = 'pending'"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = [] if LONG else [item for item in items if item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="module")
def broker_variables(valkey: ValkeyLogin) -> Mapping[str, str]:
    return {"BROKER": "streams", **redis_variables(valkey)}


@pytest.fixture
async def http(shop: Shop) -> AsyncGenerator[httpx.AsyncClient]:  # noqa: F811  the fixture above
    """A client of the shop; once its payments are through, every invariant must hold."""
    async with shop.http() as client:
        yield client

    async def settled() -> bool:
        return await shop.count(PENDING) == 0

    await eventually(settled, what="the payment of every order")
    assert await shop.broken() == {}
