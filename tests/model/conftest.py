"""A running shop to compare with the model: the one of the journeys."""

from collections.abc import Mapping

import pytest

from pasar.engines.valkey_login import ValkeyLogin
from tests.journeys.conftest import redis_variables, shop, shop_database  # noqa: F401  fixtures


@pytest.fixture(scope="module")
def broker_variables(valkey: ValkeyLogin) -> Mapping[str, str]:
    return {"BROKER": "streams", **redis_variables(valkey)}
