"""The clocks of the two services are twenty minutes apart, and no customer notices."""

import asyncio
import platform
import sys
import time
from collections.abc import Generator, Mapping
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest

from pasar.engines.valkey_login import ValkeyLogin
from pasar.kit.postgres import PostgresSettings
from tests.journeys.conftest import redis_variables
from tests.journeys.people import PASSWORD, Person, newcomer, stall
from tests.journeys.shop import Command, Shop, running_shop
from tests.journeys.test_cancellation import PAID_BACK, shows
from tests.waiting import eventually

SHIFT_S = 600
BUYERS = 20
MINUTE_S = 60
# Every moment that is kept of an order, but of messages, whose next try lies ahead.
MOMENTS = """
SELECT created_at AS at FROM orders UNION ALL SELECT updated_at FROM orders
UNION ALL SELECT paid_at FROM payments UNION ALL SELECT at FROM order_status_history
UNION ALL SELECT created_at FROM refunds UNION ALL SELECT at FROM stock_ledger
UNION ALL SELECT created_at FROM payment.charges UNION ALL SELECT at FROM payment.provider_ledger
"""
WRONG = f"SELECT count(*) FROM ({MOMENTS}) m WHERE abs(extract(epoch FROM at - now())) > $1"  # noqa: S608  no input

pytestmark = pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"),
    reason="libfaketime comes built for Linux on x86-64 only: clocks that disagree are NOT tested",
)


def with_clock(shift_s: int) -> Mapping[str, str]:
    """Return the variables of a process whose wall clock is that far from ours."""
    found = find_spec("libfaketime")  # not imported: it would bring its own dependencies
    assert found is not None
    assert found.origin is not None
    library = Path(found.origin).parent / "vendor" / "libfaketime" / "src" / "libfaketime.so.1"
    assert library.exists()
    return {"LD_PRELOAD": f"{library}", "FAKETIME": f"{shift_s:+}s", "DONT_FAKE_MONOTONIC": "1"}


@pytest.fixture(scope="module")
def broker_variables(valkey: ValkeyLogin) -> Mapping[str, str]:
    return {"BROKER": "streams", "RATE_LIMIT_PUBLIC": "1000", **redis_variables(valkey)}


@pytest.fixture(scope="module", params=[SHIFT_S, -SHIFT_S], ids=["store ahead", "store behind"])
def shop(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    shop_database: PostgresSettings,
    broker_variables: Mapping[str, str],
) -> Generator[Shop]:
    """Each service is started again with a clock of its own; the engines keep the right time."""
    with running_shop(tmp_path_factory.mktemp("shop"), shop_database, broker_variables) as running:
        for command, shift_s in ((running.payment, -request.param), (running.store, request.param)):
            command.stop()
            command.variables = {**command.variables, **with_clock(shift_s)}
            command.start()
        yield running


def shown_s(command: Command) -> float:
    """Return by how much the time of its newest log line differs from ours."""
    return datetime.fromisoformat(command.lines()[-1]["time"]).timestamp() - time.time()


async def test_h30_orders_are_paid_declined_and_refunded_at_their_right_time(
    shop: Shop, http: httpx.AsyncClient
) -> None:
    counter = await stall(http)
    kopi, batik = await counter.offers("Kopi", "10", 1000), await counter.offers("Batik", "1.13", 9)
    buyers = await asyncio.gather(*(newcomer(http) for _ in range(BUYERS)))
    orders = await asyncio.gather(*(buyer.buys(kopi, 2) for buyer in buyers))
    declined = await buyers[0].buys(batik)
    for buyer, order_id in zip(buyers, orders, strict=True):
        await buyer.sees(order_id, "paid")
    await buyers[0].sees(declined, "cancelled")
    await buyers[0].must("PUT", f"/orders/{orders[0]}/cancel")
    await shows(buyers[0], orders[0], "refunded")
    apart_s = shown_s(shop.store) - shown_s(shop.payment)

    assert abs(apart_s) == pytest.approx(2 * SHIFT_S, abs=MINUTE_S)
    assert await shop.count(PAID_BACK, orders[0]) == 1
    assert await shop.count(WRONG, SHIFT_S / 2) == 0


async def test_h30_sessions_are_renewed_and_ended_and_limits_are_told_by_the_right_clock(
    http: httpx.AsyncClient,
) -> None:
    ana = await newcomer(http)
    login = {"email": ana.email, "password": PASSWORD}
    pair = await Person(http, ana.email).must("POST", "/auth/login", login)
    again = {"refresh_token": pair["refresh_token"]}
    renewed = await Person(http, ana.email).must("POST", "/auth/refresh", again)
    here = Person(http, ana.email, renewed["access_token"])
    page = await here.ask("GET", "/products")
    await here.must("POST", "/auth/logout-all")

    async def out() -> bool:
        return (await here.ask("GET", "/cart")).status_code == 401

    await eventually(out, what="the end of the session")
    assert 0 <= int(page.headers["X-RateLimit-Reset"]) - time.time() <= MINUTE_S + 1
