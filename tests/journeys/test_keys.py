"""Clients that hang up before their answer, and ask again with the same key."""

import asyncio
import json
import os
import random

import httpx

from tests.journeys.people import ADDRESS, Person, newcomer, stall
from tests.journeys.shop import Shop

PEOPLE, ORDERS_EACH = 8, 25 if "LONG" in os.environ else 5
LONGEST_PATIENCE_S = 0.03  # a checkout takes about 10 ms
KEYS_OF_PRODUCT = """
SELECT count(*) FROM idempotency_keys k JOIN order_items i ON i.order_id = k.resource_id
WHERE i.product_id = $1
"""


async def hangs_up(shop: Shop, buyer: Person, key: str) -> None:
    """Send a checkout, and reset the connection a moment later."""
    body = json.dumps(ADDRESS)
    request = (
        f"POST /api/v1/orders HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer {buyer.token}\r\n"
        f"Idempotency-Key: {key}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    )
    _, writer = await asyncio.open_connection("127.0.0.1", shop.store.port)
    writer.write(request.encode())
    await writer.drain()
    await asyncio.sleep(random.uniform(0, LONGEST_PATIENCE_S))  # noqa: S311  the cut, no secret
    writer.transport.abort()


async def insists(buyer: Person, key: str) -> str:
    async with asyncio.timeout(20):
        while True:
            answer = await buyer.ask("POST", "/orders", ADDRESS, **{"Idempotency-Key": key})
            if answer.is_success:
                return str(answer.json()["data"]["id"])
            assert answer.status_code in {409, 503}, answer.text
            await asyncio.sleep(0.05)


async def test_h06_an_answer_cut_off_and_asked_for_again_is_one_order(
    http: httpx.AsyncClient, shop: Shop
) -> None:
    kopi = await (await stall(http)).offers("Kopi", "10", stock=1000)
    buyers = [await newcomer(http) for _ in range(PEOPLE)]

    async def buys(buyer: Person) -> list[str]:
        made: list[str] = []
        for n in range(ORDERS_EACH):
            await buyer.wants(kopi)
            await hangs_up(shop, buyer, f"order-{n}")
            made.append(await insists(buyer, f"order-{n}"))
        return made

    bought = await asyncio.gather(*map(buys, buyers))
    ids = [order_id for each in bought for order_id in each]
    sold = await shop.count("SELECT count(*) FROM order_items WHERE product_id = $1", kopi)
    keys = await shop.count(KEYS_OF_PRODUCT, kopi)

    assert len({*ids}) == sold == keys == PEOPLE * ORDERS_EACH
    for buyer, orders in zip(buyers, bought, strict=True):
        for order_id in orders:
            await buyer.sees(order_id, "paid")
