"""One running shop per broker and test module, audited after every journey."""

from collections.abc import AsyncGenerator, Generator, Mapping
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from pasar.engines.ports import any_free
from pasar.engines.valkey_login import ValkeyLogin
from pasar.kit.postgres import PostgresSettings
from tests.fixtures.database import administer
from tests.fixtures.engines import RunningNsq, run
from tests.journeys.shop import Command, Shop, running_shop


def redis_variables(valkey: ValkeyLogin) -> dict[str, str]:
    return {
        "REDIS_HOST": valkey.host,
        "REDIS_PORT": str(valkey.port),
        "REDIS_PASSWORD": valkey.password,
    }


def nsq_variables(nsq: RunningNsq) -> dict[str, str]:
    return {
        "NSQD_ADDR": nsq.nsqd_tcp,
        "NSQD_HTTP_ADDR": nsq.nsqd_http,
        "NSQ_LOOKUPD_ADDR": nsq.lookupd_http,
    }


@pytest.fixture(scope="module")
def shop_database(template: PostgresSettings) -> Generator[PostgresSettings]:
    """The owner's login to a migrated database of this module's own."""
    settings = replace(template, database=f"journey_{uuid4().hex}")
    clone = f"CREATE DATABASE {settings.database} TEMPLATE {template.database}"
    run(administer(template, clone))
    yield settings
    run(administer(template, f"DROP DATABASE {settings.database}"))


@pytest.fixture(scope="module", params=["streams", pytest.param("nsq", marks=pytest.mark.nsq)])
def broker_variables(request: pytest.FixtureRequest, valkey: ValkeyLogin) -> Mapping[str, str]:
    if request.param == "streams":
        return {"BROKER": "streams", **redis_variables(valkey)}
    nsq = request.getfixturevalue("nsq")
    return {"BROKER": "nsq", **nsq_variables(nsq), **redis_variables(valkey)}


@pytest.fixture(scope="module")
def shop(
    tmp_path_factory: pytest.TempPathFactory,
    shop_database: PostgresSettings,
    broker_variables: Mapping[str, str],
) -> Generator[Shop]:
    folder: Path = tmp_path_factory.mktemp("shop")
    with running_shop(folder, shop_database, broker_variables) as running:
        yield running


@pytest.fixture(scope="module")
def twin(shop: Shop) -> Generator[Command]:
    """Another `pasar store` on the same engines."""
    port = any_free("127.0.0.1")
    folder = shop.store.folder / "twin"
    folder.mkdir()
    store = Command("store", {**shop.store.variables, "APP_PORT": str(port)}, folder, port)
    store.start()
    yield store
    store.stop()


@pytest.fixture
async def http(shop: Shop) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of the shop; when the journey is over every invariant must hold."""
    async with shop.http() as client:
        yield client
    assert await shop.broken_for_good() == {}
