"""Many times the buyers that the shop can serve: some are told to come again, others are served."""

import asyncio
import os
from collections.abc import Generator, Mapping
from pathlib import Path

import httpx
import pytest

from pasar.engines.valkey_login import ValkeyLogin
from pasar.kit.postgres import PostgresSettings
from pasar.store_service.web.admission import PER_CONNECTION
from tests.fixtures.engines import run
from tests.journeys.conftest import redis_variables
from tests.journeys.flood import flood, prepared
from tests.journeys.people import Person, newcomer, stall
from tests.journeys.processes import memory, web_process
from tests.journeys.shop import Opened, Shop, running_shop

LONG = 10 if "LONG" in os.environ else 1
# Each new quantity holds one of four connections for 20 ms, whatever the machine: 200 a second,
# which sixteen buyers who think for 50 ms just take. Ten times as many who are refused at once ask
# 2,500 times a second, and if all were let in each would wait for 0.8 s.
SLOWLY = """
CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_sleep(0.02); RETURN NEW; END $$;
CREATE TRIGGER slowly BEFORE UPDATE ON cart_items FOR EACH ROW EXECUTE FUNCTION slowly();
"""
CONNECTIONS, SUSTAINABLE, CROWD = 4, 16, 160
BURST = 200
AT_A_TIME = 10  # newcomers: a crowd of them would be refused on a loaded machine
NOTICED_S = 3.0  # the pool's longest wait is 2 s
FOR_S = 2.5 * LONG
MIB = 2**20


@pytest.fixture(scope="module")
def broker_variables(valkey: ValkeyLogin, shop_database: PostgresSettings) -> Mapping[str, str]:
    run(slowed_down(shop_database))
    return {"BROKER": "streams", "DB_POOL_SIZE": str(CONNECTIONS), **redis_variables(valkey)}


async def slowed_down(settings: PostgresSettings) -> None:
    async with Opened(settings) as owner:
        await owner.execute(SLOWLY)


@pytest.fixture
def shop(
    tmp_path: Path, shop_database: PostgresSettings, broker_variables: Mapping[str, str]
) -> Generator[Shop]:
    """One for each test: a shop remembers a crowd for some seconds."""
    with running_shop(tmp_path, shop_database, broker_variables) as running:
        yield running


@pytest.fixture
async def changes(http: httpx.AsyncClient) -> list[bytes]:
    """
    A new quantity for the line of each of many buyers.

    Additions would not do: those that wait go together, and hold one connection.
    """
    kopi = await (await stall(http)).offers("Kopi", "7", stock=1_000_000)
    buyers: list[Person] = []
    while len(buyers) < BURST:
        buyers += await asyncio.gather(*(newcomer(http) for _ in range(AT_A_TIME)))
    for buyer in buyers:
        await buyer.must("POST", "/cart/items", {"product_id": kopi, "quantity": 1})
    path = f"/cart/items/{kopi}"
    return [prepared("PUT", path, buyer.token, {"quantity": 2}) for buyer in buyers]


async def test_h35_far_too_many_buyers_are_refused_in_time_and_slow_nobody_who_is_admitted(
    shop: Shop, changes: list[bytes]
) -> None:
    normal = await flood(shop.store.port, changes[:SUSTAINABLE], FOR_S)
    await flood(shop.store.port, changes[:CROWD], NOTICED_S)
    before = memory(web_process(shop))
    crowded = await flood(shop.store.port, changes[:CROWD], FOR_S)
    after = memory(web_process(shop))
    await flood(shop.store.port, changes[:SUSTAINABLE], NOTICED_S)
    calm = await flood(shop.store.port, changes[:SUSTAINABLE], FOR_S)

    assert normal.took_s.keys() == calm.took_s.keys() == {200}
    assert crowded.took_s.keys() == {200, 503}
    assert crowded.retry_after == {b"1"}
    assert crowded.at_once(FOR_S) < 2 * PER_CONNECTION * CONNECTIONS
    if LONG > 1:  # a figure that needs the machine for itself
        assert crowded.p99_s() <= 3 * normal.p99_s()
    assert after - before < 20 * MIB


async def test_h01_a_burst_of_two_hundred_is_served_whole(shop: Shop, changes: list[bytes]) -> None:
    burst = await flood(shop.store.port, changes, for_s=0)

    assert {status: len(took_s) for status, took_s in burst.took_s.items()} == {200: BURST}
