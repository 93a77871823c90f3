"""One part is away, frozen or full, and the rest of the shop goes on as reliability promises."""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from signal import Signals
from statistics import median

import httpx
import pytest

from pasar.kit.postgres import PostgresDatabase, PostgresSettings
from tests.journeys.frail import FrailShop, audited_shop, frozen, killed
from tests.journeys.people import ADDRESS, Person, newcomer, stall
from tests.journeys.rush import rush
from tests.waiting import eventually

BUYERS = 10
SHORT_WAITS = {"DB_POOL_SIZE": "4", "DB_POOL_WAIT": "200ms", "DB_LOCK_TIMEOUT": "200ms"}
PATIENCE = 6  # failures in a row of a relay that waits 100 ms, doubling: some 3 s
# How long the broker is away, and what each buyer buys meanwhile; how long it is frozen.
AWAY_S, ORDERS_EACH, FROZEN_S = (300, 30, 15) if "LONG" in os.environ else (0, 2, 6)


@pytest.fixture(scope="module")
def frail(
    engines_folder: Path, tmp_path_factory: pytest.TempPathFactory, owner_settings: PostgresSettings
) -> Generator[FrailShop]:
    with audited_shop(
        "degraded", engines_folder, tmp_path_factory, owner_settings, SHORT_WAITS
    ) as shop:
        yield shop


@pytest.fixture
async def http(frail: FrailShop) -> AsyncGenerator[httpx.AsyncClient]:
    async with frail.shop.http() as client:
        yield client


@pytest.fixture
async def kopi(http: httpx.AsyncClient) -> str:
    return await (await stall(http)).offers("Kopi", "7", stock=100_000)


@pytest.fixture
async def buyers(http: httpx.AsyncClient) -> list[Person]:
    return await asyncio.gather(*(newcomer(http) for _ in range(BUYERS)))


async def checkout_s(buyer: Person) -> float:
    began = time.monotonic()
    await buyer.must("POST", "/orders", ADDRESS)
    return time.monotonic() - began


async def checkouts_s(buyers: list[Person], product_id: str) -> list[float]:
    """Return how long each checkout took, one after the other."""
    for buyer in buyers:
        await buyer.wants(product_id)
    return [await checkout_s(buyer) for buyer in buyers]


async def test_h22_with_redis_frozen_a_checkout_takes_a_second_at_most_and_moves_no_other_cart(
    frail: FrailShop, buyers: list[Person], kopi: str
) -> None:
    for quantity, buyer in enumerate(buyers, 1):
        await buyer.wants(kopi, quantity)
    before = [await buyer.must("GET", "/cart") for buyer in buyers[1:]]
    with frozen(frail.valkey.child.pid):
        took_s = await checkout_s(buyers[0])
        during = [await buyer.must("GET", "/cart") for buyer in buyers[1:]]
    after = [await buyer.must("GET", "/cart") for buyer in buyers[1:]]

    assert took_s < 1
    assert before == during == after


@pytest.mark.parametrize("end", ["killed", "frozen"])
async def test_h22_a_redis_that_goes_amid_checkouts_costs_no_answer_and_doubles_no_order(
    frail: FrailShop, buyers: list[Person], kopi: str, end: str
) -> None:
    orders = "SELECT count(*) FROM orders"
    before = await frail.shop.count(orders)
    async with rush(buyers, kopi) as going_on:
        await going_on.has(orders=20)
        async with redis_gone(frail, end):
            await going_on.has(orders=50)
        await going_on.has(orders=20)

    assert going_on.statuses == {200, 201}
    assert await frail.shop.count(orders) == before + len(set(going_on.orders))


@asynccontextmanager
async def redis_gone(frail: FrailShop, end: str) -> AsyncGenerator[None]:
    if end == "killed":
        await killed(frail.valkey)
        yield
        await frail.valkey.start()
    else:
        with frozen(frail.valkey.child.pid):
            yield


async def test_h27_what_was_bought_while_the_broker_was_away_is_paid_after_its_return(
    frail: FrailShop, http: httpx.AsyncClient, buyers: list[Person], kopi: str
) -> None:
    said = len(frail.shop.store.lines())
    await killed(frail.broker)
    went_at = time.monotonic()
    orders = [await buyer.buys(kopi) for buyer in buyers * ORDERS_EACH]
    ready = await http.get("/ready")

    async def failed_often() -> bool:
        return any(line.get("failures", 0) >= PATIENCE for line in frail.shop.store.lines()[said:])

    await eventually(failed_often, within_s=20)
    await asyncio.sleep(went_at + AWAY_S - time.monotonic())
    having = "SELECT count(*) FROM orders WHERE status = $2 AND id = ANY($1::uuid[])"
    unpaid = await frail.shop.count(having, orders, "pending")
    await frail.broker.start()
    await frail.calm(within_s=15)

    assert ready.status_code == 200
    assert unpaid == len(orders) == BUYERS * ORDERS_EACH
    assert await frail.shop.count(having, orders, "paid") == len(orders)


async def test_h27_what_was_bought_while_the_broker_was_frozen_is_paid_after_it_thaws(
    frail: FrailShop, buyers: list[Person], kopi: str
) -> None:
    """Its port stays open and nothing comes back, for longer than a publish may wait."""
    with frozen(frail.broker.child.pid):
        began = time.monotonic()
        orders = [await buyer.buys(kopi) for buyer in buyers]
        took_s = time.monotonic() - began
        await asyncio.sleep(began + FROZEN_S - time.monotonic())
    await frail.calm(within_s=15)

    paid = "SELECT count(*) FROM orders WHERE status = 'paid' AND id = ANY($1::uuid[])"
    assert took_s < len(orders)
    assert await frail.shop.count(paid, orders) == BUYERS


@pytest.mark.parametrize("end", ["killed", "frozen"])
async def test_h28_checkout_does_not_feel_a_payment_service_that_is_away_or_never_answers(
    frail: FrailShop, buyers: list[Person], kopi: str, end: str
) -> None:
    """Frozen, its port is open and nothing comes back: a latency without end."""
    usual_s = median(await checkouts_s(buyers, kopi))
    payment = frail.shop.payment
    assert payment.process is not None
    if end == "killed":
        payment.kill()
        alone_s = median(await checkouts_s(buyers, kopi))
        payment.start()
    else:
        with frozen(payment.process.pid):
            alone_s = median(await checkouts_s(buyers, kopi))

    assert alone_s < 2 * usual_s + 0.05


async def test_h24_a_database_that_crashes_under_load_loses_no_acknowledged_order(
    frail: FrailShop, http: httpx.AsyncClient, buyers: list[Person], kopi: str
) -> None:
    """`pg_ctl -m immediate` is this signal: no checkpoint, and recovery at the next start."""
    async with rush(buyers, kopi) as going_on:
        await going_on.has(orders=20)
        await frail.postgres.child.stop((Signals.SIGQUIT, 10))
        await going_on.sees_a_refusal()
        alive, ready = await http.get("/health"), await http.get("/ready")
        await frail.postgres.start()
        back_at = time.monotonic()
        await going_on.has(orders=20)

    kept = "SELECT count(*) FROM orders WHERE id = ANY($1::uuid[])"
    assert (alive.status_code, ready.status_code) == (200, 503)
    assert going_on.statuses == {200, 201, 503}
    assert {answer.headers.get("Retry-After") for answer in going_on.refusals()} == {"1"}
    assert going_on.waited_s(back_at) < 3
    assert await frail.shop.count(kept, going_on.orders) == len(going_on.orders)


async def test_h24_with_every_connection_taken_the_answer_is_503_and_never_a_false_one(
    frail: FrailShop, http: httpx.AsyncClient, buyers: list[Person], kopi: str
) -> None:
    order_id = await buyers[0].buys(kopi)
    await buyers[0].sees(order_id, "paid")
    stranger = Person(http, "nobody@example.com")
    login = {"email": stranger.email, "password": "wrong"}
    async with frail.shop.database() as owner, tables_held(owner):
        answers = await asyncio.gather(
            *(buyer.ask("POST", "/cart/items", line(kopi)) for buyer in buyers),
            *(buyer.ask("POST", "/orders", ADDRESS) for buyer in buyers),
            *(buyers[0].ask("GET", f"/orders/{order_id}") for _ in buyers),
            *(http.get(f"/api/v1/products/{order_id}") for _ in buyers),
            *(stranger.ask("POST", "/auth/login", login) for _ in buyers),
        )
        alive = await http.get("/health")

    assert {answer.status_code for answer in answers} == {503}
    assert {answer.headers.get("Retry-After") for answer in answers} == {"1"}
    assert alive.status_code == 200
    assert (await buyers[0].order(order_id))["id"] == order_id


@asynccontextmanager
async def tables_held(owner: PostgresDatabase) -> AsyncGenerator[None]:
    """Hold what every statement needs: each one waits with its connection until its limit."""
    async with owner.begin() as tx:
        await tx.execute("LOCK TABLE users, carts, products, orders IN ACCESS EXCLUSIVE MODE")
        yield


def line(product_id: str) -> dict[str, object]:
    return {"product_id": product_id, "quantity": 1}
