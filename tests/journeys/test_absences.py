"""A part is away for longer than anybody's patience, and nothing is given up or guessed."""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Final

import httpx
import pytest

from pasar.kit.broker.delivery import Policy
from pasar.kit.postgres import PostgresSettings
from tests.journeys.frail import FrailShop, audited_shop, killed
from tests.journeys.people import Person, newcomer, stall
from tests.waiting import eventually

LONG: Final = "LONG" in os.environ
DATABASE_AWAY_S, PAYMENT_AWAY_S, PAYMENT_TIMEOUT_S = (120, 300, 10) if LONG else (4, 3, 2)
TRIES: Final = Policy().max_attempts + 1 if LONG else 2  # of one message, a second apart at first
BUYERS, ORDERS_EACH = 10, 3
# So that of ten orders at once some are charged and some are not when a part goes.
PATIENCE: Final = {
    "PAYMENT_TIMEOUT": f"{PAYMENT_TIMEOUT_S}s",
    "RESEND_AFTER": "1s",
    "PAYMENT_DELAY_MIN": "300ms",
    "PAYMENT_DELAY_MAX": "900ms",
}

CANCELLED_BUT_CHARGED: Final = """
SELECT count(*) FROM orders JOIN payment.charges AS charge ON charge.order_id = orders.id::text
WHERE orders.id = ANY($1::uuid[]) AND orders.status = 'cancelled' AND charge.status = 'success'
"""


@pytest.fixture(scope="module")
def frail(
    engines_folder: Path, tmp_path_factory: pytest.TempPathFactory, owner_settings: PostgresSettings
) -> Generator[FrailShop]:
    with audited_shop(
        "absences", engines_folder, tmp_path_factory, owner_settings, PATIENCE
    ) as shop:
        yield shop


@pytest.fixture
async def http(frail: FrailShop) -> AsyncGenerator[httpx.AsyncClient]:
    async with frail.shop.http() as client:
        yield client


@pytest.fixture
async def orders(frail: FrailShop, http: httpx.AsyncClient) -> list[str]:
    """Bought this moment; at least one is charged and at least one is not."""
    kopi = await (await stall(http)).offers("Kopi", "7", stock=1000)
    buyers = await asyncio.gather(*(newcomer(http) for _ in range(BUYERS)))
    bought = await asyncio.gather(*(spree(buyer, kopi) for buyer in buyers))
    orders = [order for each in bought for order in each]
    charged = "SELECT count(*) FROM payment.charges WHERE order_id = ANY($1) AND status = 'success'"

    async def begun() -> bool:
        return 0 < await frail.shop.count(charged, orders) < len(orders)

    await eventually(begun, what="the first charge")
    return orders


async def spree(buyer: Person, product_id: str) -> list[str]:
    return [await buyer.buys(product_id) for _ in range(ORDERS_EACH)]


async def having(frail: FrailShop, orders: list[str], status: str) -> int:
    sql = "SELECT count(*) FROM orders WHERE id = ANY($1::uuid[]) AND status = $2"
    return await frail.shop.count(sql, orders, status)


async def test_h15_a_payment_service_away_past_every_timeout_leaves_nobody_cancelled_but_charged(
    frail: FrailShop, orders: list[str]
) -> None:
    frail.shop.payment.kill()
    await asyncio.sleep(PAYMENT_AWAY_S)  # the length of the absence is what this is about
    undecided = await having(frail, orders, "pending")
    cancelled = await having(frail, orders, "cancelled")
    frail.shop.payment.start()
    await frail.calm(within_s=30)

    assert (undecided > 0, cancelled) == (True, 0)
    paid, called_off = [await having(frail, orders, end) for end in ("paid", "cancelled")]
    assert paid > 0
    assert paid + called_off == len(orders)
    assert await frail.shop.count(CANCELLED_BUT_CHARGED, orders) == 0


async def test_h12_a_database_away_makes_no_dead_letter_of_what_waits_in_the_broker(
    frail: FrailShop, orders: list[str]
) -> None:
    said = len(frail.shop.payment.lines())
    await killed(frail.postgres)
    went_at = time.monotonic()

    async def tried_often() -> bool:
        lines = frail.shop.payment.lines()[said:]
        return any(line.get("attempts", 0) >= TRIES for line in lines)

    await asyncio.sleep(went_at + DATABASE_AWAY_S - time.monotonic())
    await eventually(tried_often, within_s=90, what=f"try {TRIES} of one message")
    await frail.postgres.start()
    await frail.calm(within_s=60)

    dead = "SELECT (SELECT count(*) FROM dead_letters) + count(*) FROM payment.dead_letters"
    assert await having(frail, orders, "pending") == 0
    assert await frail.shop.count(dead) == 0
