"""Services are stopped, restarted and killed on engines that stay: no customer notices."""

import asyncio
import os
import signal
import time
from collections.abc import Mapping
from functools import partial

import httpx
import pytest

from pasar.engines.valkey_login import ValkeyLogin
from tests.cli.command import descendants
from tests.journeys.balancer import Balancer
from tests.journeys.conftest import redis_variables
from tests.journeys.people import Person, newcomer, stall
from tests.journeys.rush import rush
from tests.journeys.shop import Command, Shop, is_open
from tests.waiting import eventually

LONG = 10 if "LONG" in os.environ else 1  # how many times longer than in every run
CROWD = 200
BUYERS = 10
UNITS = 50
SLACK = 3  # a process starts in a second on a quiet machine
VARIABLES = {
    "APP_DRAIN_DELAY": "1500ms",
    "STOCK_LOCK_LEASE": "200ms",
    "DB_IDLE_TX_TIMEOUT": "1s",
    "PAYMENT_DELAY_MIN": "200ms",
    "PAYMENT_DELAY_MAX": "400ms",
    "DB_POOL_WAIT": "20s",  # two hundred wait here for a lock that a test holds
    "DB_LOCK_TIMEOUT": "20s",
    "DB_STATEMENT_TIMEOUT": "20s",
    "PASAR_FAILPOINTS": "reconciler.tick=skip",  # what is lost stays lost, for all to see
}


@pytest.fixture(scope="module")
def broker_variables(valkey: ValkeyLogin) -> Mapping[str, str]:
    return {"BROKER": "streams", **redis_variables(valkey), **VARIABLES}


@pytest.fixture
async def kopi(http: httpx.AsyncClient) -> str:
    return await (await stall(http)).offers("Kopi", "7", stock=100_000)


async def all_paid(shop: Shop, orders: list[str], within_s: float) -> None:
    """A message that came back only by its time-out of 10 s would be too late."""

    async def paid() -> bool:
        sql = "SELECT count(*) FROM orders WHERE status = 'paid' AND id = ANY($1::uuid[])"
        return await shop.count(sql, orders) == len(orders)

    await eventually(paid, within_s=within_s, what=f"{len(orders)} orders being paid")
    assert await shop.count("SELECT count(*) FROM payment.provider_ledger") == await shop.count(
        "SELECT count(*) FROM orders"
    )
    assert await shop.count("SELECT count(*) FROM dead_letters") == 0
    assert await shop.count("SELECT count(*) FROM payment.dead_letters") == 0


async def test_h29_two_hundred_running_requests_are_answered_before_the_service_ends(
    shop: Shop, http: httpx.AsyncClient, kopi: str
) -> None:
    """They run: a lock that is held here keeps them waiting, for it or for a connection."""
    buyers = await asyncio.gather(*(newcomer(http) for _ in range(BUYERS)))
    line = {"product_id": kopi, "quantity": 1}
    assert shop.store.process is not None
    async with (
        httpx.AsyncClient(
            base_url=http.base_url, limits=httpx.Limits(max_connections=CROWD), timeout=60
        ) as wide,
        shop.database() as owner,
    ):
        async with owner.begin() as tx:
            await tx.execute("LOCK TABLE carts IN ACCESS EXCLUSIVE MODE")
            everybody = [Person(wide, buyer.email, buyer.token) for buyer in buyers]
            asked = [
                asyncio.create_task(buyer.ask("POST", "/cart/items", line))
                for buyer in everybody * (CROWD // BUYERS)
            ]
            await eventually(lambda: waiting(shop), what="a request that waits for its lock")
            shop.store.process.terminate()
            await eventually(lambda: draining(http), what="/ready saying that it drains")
            late = await http.get("/health")
        answers = await asyncio.gather(*asked)
    code = await asyncio.to_thread(shop.store.process.wait, 30)
    shop.store.start()

    assert [answer.status_code for answer in answers] == [200] * CROWD
    assert late.status_code == 200
    assert code == 0


async def waiting(shop: Shop) -> bool:
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    return await shop.count(waits) > 0


async def draining(http: httpx.AsyncClient) -> bool:
    """Ask anew rather than wait for a look at the database, whose connections are all taken."""
    try:
        answer = await http.get("/ready", timeout=0.3)
    except httpx.ReadTimeout:
        return False
    return answer.status_code == 503 and "draining" in answer.text


async def test_h29_a_stopped_payment_service_gives_back_what_it_holds(
    shop: Shop, http: httpx.AsyncClient, kopi: str
) -> None:
    buyers = await asyncio.gather(*(newcomer(http) for _ in range(BUYERS)))
    orders = await asyncio.gather(*(buyer.buys(kopi) for buyer in buyers))
    assert shop.payment.process is not None
    charging = "SELECT count(*) FROM payment.charges WHERE status = 'pending'"

    async def amid_charges() -> bool:
        return await shop.count(charging) > 0

    await eventually(amid_charges)
    code = await asyncio.to_thread(shop.payment.stop)
    left = await shop.count(charging)
    shop.payment.start()

    assert (code, left) == (0, 0)
    await all_paid(shop, orders, within_s=5)


async def test_h33_a_worker_killed_amid_checkouts_is_back_and_leaves_no_order_behind(
    shop: Shop, http: httpx.AsyncClient, kopi: str
) -> None:
    buyers = await asyncio.gather(*(newcomer(http) for _ in range(BUYERS)))
    assert shop.store.process is not None
    async with rush(buyers, kopi) as going_on:
        await going_on.has(orders=20)
        [worker] = descendants(shop.store.process.pid, "store-worker")
        before = starts(shop)
        os.kill(worker, signal.SIGKILL)
        killed_at = time.monotonic()
        await eventually(lambda: another_start(shop, before))
        took_s = time.monotonic() - killed_at
        await going_on.has(orders=20)

    assert took_s < 2 * SLACK
    assert going_on.statuses == {200, 201}
    await all_paid(shop, going_on.orders, within_s=20)


def starts(shop: Shop) -> int:
    return sum(line["message"] == "worker started" for line in shop.store.lines())


async def another_start(shop: Shop, than: int) -> bool:
    return starts(shop) > than


async def test_h29_a_rolling_restart_of_two_stores_fails_no_request_and_loses_no_order(
    shop: Shop, twin: Command, http: httpx.AsyncClient, kopi: str
) -> None:
    balancer = Balancer([shop.store, twin])
    watching = asyncio.create_task(balancer.watch())
    async with httpx.AsyncClient(
        transport=balancer, base_url=http.base_url, timeout=20
    ) as balanced:
        buyers = await asyncio.gather(*(newcomer(balanced) for _ in range(BUYERS)))
        async with rush(buyers, kopi) as going_on:
            for store in (shop.store, twin) * LONG:
                await going_on.has(orders=20)
                assert await asyncio.to_thread(store.stop) == 0
                assert not is_open(store.port)
                await going_on.has(orders=20)
                await asyncio.to_thread(store.start)
                await eventually(partial(balancer.trusts, store), within_s=20)
    watching.cancel()

    assert going_on.statuses == {200, 201}
    await all_paid(shop, going_on.orders, within_s=20)
