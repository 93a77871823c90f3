"""A shop of real processes on the streams broker, which recovers fast, and its audit."""

from collections.abc import Generator, Mapping
from pathlib import Path

import pytest

from pasar.engines.valkey_login import ValkeyLogin
from pasar.kit.postgres import PostgresSettings
from tests.journeys.conftest import http, redis_variables, shop_database
from tests.journeys.shop import Shop, running_shop

__all__ = ["http", "shop_database"]

# A fifth of the real waits: what is shown is who finishes the work, not when.
SHORT: Mapping[str, str] = {
    "RELAY_LEASE": "2s",
    "RESEND_AFTER": "1s",
    "RECONCILE_INTERVAL": "500ms",
    "REFUND_BACKOFF_MAX": "2s",
}


@pytest.fixture(scope="module")
def shop(
    tmp_path_factory: pytest.TempPathFactory, shop_database: PostgresSettings, valkey: ValkeyLogin
) -> Generator[Shop]:
    folder: Path = tmp_path_factory.mktemp("crash")
    variables = {"BROKER": "streams", **redis_variables(valkey), **SHORT}
    variables["TMPDIR"] = str(folder)  # who is killed cleans nothing up
    with running_shop(folder, shop_database, variables) as running:
        yield running
