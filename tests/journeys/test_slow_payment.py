"""The payment service never answers; who shops does not notice, as no request ever asks it."""

import asyncio
import os
import time
from collections.abc import Mapping, Sequence

import httpx
import pytest

from pasar.engines.valkey_login import ValkeyLogin
from tests.cli.command import descendants
from tests.journeys.conftest import redis_variables
from tests.journeys.frail import frozen
from tests.journeys.people import ADDRESS, Person, newcomer, stall
from tests.journeys.processes import connected_to
from tests.journeys.shop import Shop
from tests.waiting import eventually

LONG = "LONG" in os.environ
BUYERS = 10
VISITS = 50 if LONG else 20  # of each buyer, with one checkout each
# Beyond the patience of the test's client: a request that waited for an answer would fail here.
WITHOUT_END = {"PAYMENT_RPC_TIMEOUT": "60s"}
SOON = {"RESEND_AFTER": "1s", "RECONCILE_INTERVAL": "200ms"}


@pytest.fixture(scope="module")
def broker_variables(valkey: ValkeyLogin) -> Mapping[str, str]:
    return {"BROKER": "streams", **redis_variables(valkey), **WITHOUT_END, **SOON}


async def visits(buyers: Sequence[Person], product_id: str) -> list[float]:
    """Let everybody look, change the cart and check out; return how long each answer took."""
    line = {"product_id": product_id, "quantity": 2}
    took_s: list[float] = []

    async def visit(buyer: Person) -> None:
        for method, path, body in (
            ("GET", "/products", None),
            ("GET", f"/products/{product_id}", None),
            ("POST", "/cart/items", line),
            ("PUT", f"/cart/items/{product_id}", {"quantity": 1}),
            ("GET", "/cart", None),
            ("POST", "/orders", ADDRESS),
            ("GET", "/orders", None),
        ):
            began = time.monotonic()
            await buyer.must(method, path, body)
            took_s.append(time.monotonic() - began)

    for _ in range(VISITS):
        await asyncio.gather(*map(visit, buyers))
    return took_s


def p99(took_s: Sequence[float]) -> float:
    return sorted(took_s)[len(took_s) * 99 // 100]


async def test_h28_two_hundred_visits_and_checkouts_ask_nothing_of_a_frozen_payment_service(
    shop: Shop, http: httpx.AsyncClient
) -> None:
    """Its port is open and nothing comes back; the worker asks, which shows that asking is seen."""
    kopi = await (await stall(http)).offers("Kopi", "7", stock=100_000)
    buyers = await asyncio.gather(*(newcomer(http) for _ in range(BUYERS)))
    assert shop.store.process is not None
    assert shop.payment.process is not None
    [web] = descendants(shop.store.process.pid, "store-web")
    [worker] = descendants(shop.store.process.pid, "store-worker")

    async def asked_by_the_worker() -> bool:
        return shop.payment.port in connected_to(worker)

    usual_s = await visits(buyers, kopi)
    with frozen(shop.payment.process.pid):
        alone_s = await visits(buyers, kopi)
        await eventually(asked_by_the_worker, what="a question of the worker")
        asked = shop.payment.port in connected_to(web)

    orders = "SELECT count(*) FROM orders"
    assert not asked
    assert await shop.count(orders) == 2 * BUYERS * VISITS
    if LONG:  # a figure that needs the machine for itself
        assert p99(alone_s) < 2 * p99(usual_s)
    await eventually(lambda: calm(shop), within_s=60, what="every order being paid")


async def calm(shop: Shop) -> bool:
    return await shop.count("SELECT count(*) FROM orders WHERE status <> 'paid'") == 0
