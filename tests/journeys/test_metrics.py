"""What an operator sees of a purchase: one answer per service, whichever process did the work."""

import asyncio
from collections.abc import Generator
from dataclasses import dataclass

import httpx
import pytest

from pasar.engines.ports import any_free
from pasar.engines.valkey_login import ValkeyLogin
from pasar.kit.postgres import PostgresSettings
from tests.journeys.conftest import redis_variables
from tests.journeys.people import ADDRESS, newcomer, stall
from tests.journeys.shop import Shop, running_shop

HOST = "127.0.0.1"
REQUESTS = 60


@dataclass(frozen=True, slots=True)
class Measured:
    shop: Shop
    store: str
    payment: str


@pytest.fixture(scope="module")
def measured(
    tmp_path_factory: pytest.TempPathFactory, shop_database: PostgresSettings, valkey: ValkeyLogin
) -> Generator[Measured]:
    store, payment = any_free(HOST), any_free(HOST)
    variables = {
        "BROKER": "streams",
        "APP_WORKERS": "2",
        "METRICS_PORT": str(store),
        "PAYMENT_METRICS_PORT": str(payment),
        **redis_variables(valkey),
    }
    with running_shop(tmp_path_factory.mktemp("measured"), shop_database, variables) as shop:
        shop.store.opens(store)
        shop.payment.opens(payment)
        yield Measured(shop, f"http://{HOST}:{store}/metrics", f"http://{HOST}:{payment}/metrics")


async def told(url: str) -> dict[str, float]:
    async with httpx.AsyncClient(timeout=20) as http:
        lines = (await http.get(url)).text.splitlines()
    samples = [line.rpartition(" ") for line in lines if not line.startswith("#")]
    return {name: float(value) for name, _, value in samples}


async def test_requests_of_all_web_processes_are_one_count(measured: Measured) -> None:
    async with measured.shop.http() as http:
        for _ in range(REQUESTS):  # each on a connection of its own, so both processes get some
            await http.get("/health", headers={"Connection": "close"})

    counted = 'http_request_seconds_count{method="GET",route="/health",status="200"}'
    assert (await told(measured.store))[counted] == REQUESTS


async def test_paths_that_clients_make_up_are_one_route(measured: Measured) -> None:
    shop = f"http://{HOST}:{measured.shop.store.port}"
    async with httpx.AsyncClient(base_url=shop, timeout=20) as http:
        for number in range(3):
            await http.get(f"/made-up/{number}")

    store = await told(measured.store)
    assert store['http_request_seconds_count{method="-",route="-",status="404"}'] == 3
    assert [name for name in store if "made-up" in name] == []


async def test_a_purchase_is_seen_on_both_sides(measured: Measured) -> None:
    async with measured.shop.http() as http:
        kopi = await (await stall(http)).offers("Kopi", "10", stock=5)
        buyer = await newcomer(http)
        await buyer.wants(kopi)
        order = await buyer.must("POST", "/orders", ADDRESS)
        await buyer.sees(order["id"], "paid", within_s=20)

    async with asyncio.timeout(20):
        while (await told(measured.store))["broker_acknowledged_total"] < 1:
            await asyncio.sleep(0.05)
    store, payment = await told(measured.store), await told(measured.payment)
    assert store['broker_published_total{outcome="taken"}'] == 1
    assert payment["broker_delivered_total"] == 1
    assert payment['broker_published_total{outcome="taken"}'] == 1
    assert {store["broker_connected"], payment["broker_connected"]} == {1}
    assert {store["events_forged_total"], store["payment_contradictions_total"]} == {0}
