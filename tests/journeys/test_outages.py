"""Parts die in the middle of business: orders go on, and each acknowledged one is paid once."""

import asyncio
import time
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import httpx
import pytest

from pasar.kit.postgres import PostgresSettings
from tests.journeys.frail import FrailShop, frail_shop, frozen, killed
from tests.journeys.people import ADDRESS, Person, Stall, newcomer, stall
from tests.waiting import eventually

BUYERS = 20
ORDERS_EACH = 15


@pytest.fixture(scope="module", params=["streams", pytest.param("nsq", marks=pytest.mark.nsq)])
def frail(
    request: pytest.FixtureRequest,
    engines_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
    owner_settings: PostgresSettings,
) -> Generator[FrailShop]:
    over_nsq = request.param == "nsq"
    with frail_shop(
        tmp_path_factory.mktemp("frail"),
        engines_folder / f"outages-{request.param}",
        owner_settings,
        request.getfixturevalue("nsq_binaries") if over_nsq else None,
    ) as shop:
        yield shop


@pytest.fixture
async def http(frail: FrailShop) -> AsyncGenerator[httpx.AsyncClient]:
    async with frail.shop.http() as client:
        yield client
    await frail.calm()
    assert await frail.shop.broken() == {}


async def shopping(buyer: Person, product_id: str, orders: int) -> int:
    """Buy one after the other; return how many orders were acknowledged."""
    for _ in range(orders):
        await buyer.buys(product_id)
    return orders


async def test_h16_a_payment_service_killed_amid_three_hundred_checkouts_charges_each_order_once(
    frail: FrailShop, http: httpx.AsyncClient
) -> None:
    kopi = await (await stall(http)).offers("Kopi", "7", stock=1000)
    buyers = await asyncio.gather(*(newcomer(http) for _ in range(BUYERS)))
    before = await frail.shop.count("SELECT count(*) FROM orders")
    rush = asyncio.gather(*(shopping(buyer, kopi, ORDERS_EACH) for buyer in buyers))

    async def a_third_is_charged() -> bool:
        charged = "SELECT count(*) FROM payment.charges WHERE status = 'success'"
        return await frail.shop.count(charged) >= BUYERS * ORDERS_EACH // 3

    await eventually(a_third_is_charged, within_s=30)
    frail.shop.payment.kill()
    acknowledged = sum(await rush)
    frail.shop.payment.start()
    await frail.calm()

    paid = "SELECT count(*) FROM orders WHERE status = 'paid' AND total_amount = 7"
    charges = "SELECT count(*) FROM payment.provider_ledger WHERE approved AND amount = 7"
    assert acknowledged == BUYERS * ORDERS_EACH
    assert await frail.shop.count("SELECT count(*) FROM orders") == before + acknowledged
    assert await frail.shop.count(paid) == await frail.shop.count(charges) == acknowledged


async def test_h22_h27_with_redis_and_broker_dead_checkout_goes_on_and_is_paid_after_their_return(
    frail: FrailShop, http: httpx.AsyncClient
) -> None:
    counter, buyer = await opened(http)
    kopi = await counter.offers("Kopi", "11", stock=5)
    await buyer.wants(kopi)
    for engine in {frail.valkey, frail.broker}:
        await killed(engine)
    began = time.monotonic()
    page = await http.get(f"/api/v1/products/{kopi}")
    cart = await buyer.must("GET", "/cart")
    order = await buyer.must("POST", "/orders", ADDRESS)
    took_s = time.monotonic() - began
    for engine in {frail.valkey, frail.broker}:
        await engine.start()

    assert page.status_code == 200
    assert cart["total"] == "11"
    assert took_s < 3
    await buyer.sees(order["id"], "paid", within_s=15)


async def test_h22_with_redis_frozen_checkout_answers_within_a_second(
    frail: FrailShop, http: httpx.AsyncClient
) -> None:
    counter, buyer = await opened(http)
    kopi = await counter.offers("Kopi", "12", stock=5)
    await buyer.wants(kopi)
    with frozen(frail.valkey.child.pid):
        began = time.monotonic()
        order = await buyer.must("POST", "/orders", ADDRESS)
        took_s = time.monotonic() - began

    assert took_s < 1
    await buyer.sees(order["id"], "paid", within_s=15)


async def test_h22_a_cart_changed_while_redis_was_away_shows_its_change_after_the_return(
    frail: FrailShop, http: httpx.AsyncClient
) -> None:
    """The copy from before the outage is back with Redis, and fresh enough to be shown."""
    counter, buyer = await opened(http)
    kopi = await counter.offers("Kopi", "12", stock=5)
    await buyer.wants(kopi)
    assert (await buyer.must("GET", "/cart"))["total"] == "12"
    await frail.valkey.stop()
    await buyer.must("DELETE", f"/cart/items/{kopi}")
    await frail.valkey.start()

    async def shown_by_every_process() -> bool:
        carts = [await buyer.must("GET", "/cart") for _ in range(20)]
        return all(cart["total"] == "0" for cart in carts)

    await eventually(shown_by_every_process, within_s=5, what="the change")


async def test_d18_h24_with_postgresql_away_every_answer_is_503_and_service_resumes_by_itself(
    frail: FrailShop, http: httpx.AsyncClient
) -> None:
    counter, buyer = await opened(http)
    kopi = await counter.offers("Kopi", "13", stock=5)
    await buyer.wants(kopi)
    await frail.postgres.stop()
    began = time.monotonic()
    refused = await asyncio.gather(
        buyer.ask("POST", "/orders", ADDRESS),
        buyer.ask("POST", "/cart/items", {"product_id": kopi, "quantity": 1}),
        buyer.ask("GET", f"/orders/{kopi}"),
        Person(http, buyer.email).ask("POST", "/auth/login", {"email": "a", "password": "b"}),
        http.get("/api/v1/products/0190c7a2-0000-7000-8000-000000000009"),
        http.get("/ready"),
    )
    took_s = time.monotonic() - began
    alive = await http.get("/health")
    await frail.postgres.start()

    async def resumed() -> bool:
        return (await buyer.ask("POST", "/orders", ADDRESS)).status_code == 201

    assert {answer.status_code for answer in refused} == {503}
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
    assert took_s < 10
    assert alive.status_code == 200
    await eventually(resumed, within_s=3, what="a checkout after the return")


async def opened(http: httpx.AsyncClient) -> tuple[Stall, Person]:
    return await stall(http), await newcomer(http)
