"""The mutex around checkouts guards nothing, and nothing is sold twice when it fails, or is off."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from functools import partial

import httpx
import pytest

from pasar.engines.valkey_login import ValkeyLogin
from pasar.kit.redis import Redis
from tests.cli.command import descendants
from tests.fixtures.redis import settings_of
from tests.journeys.conftest import redis_variables
from tests.journeys.frail import frozen
from tests.journeys.people import ADDRESS, Person, newcomer, stall
from tests.journeys.shop import Command, Shop
from tests.kit.databases import until_somebody_waits
from tests.waiting import eventually

HELD, FREE, LEFT = 50, 100, 20  # LEFT units remain for those who are held
VARIABLES = {
    "STOCK_LOCK_LEASE": "1s",
    "DB_LOCK_TIMEOUT": "20s",  # the holder waits for a lock of this test, and then for its thaw
    "DB_STATEMENT_TIMEOUT": "20s",
}
HOLD_CARTS = """
SELECT FROM carts c JOIN users u ON u.id = c.user_id WHERE u.email = ANY($1) FOR UPDATE OF c
"""


@pytest.fixture(scope="module", params=["on", "off"])
def broker_variables(request: pytest.FixtureRequest, valkey: ValkeyLogin) -> Mapping[str, str]:
    mutex = {"STOCK_LOCK": request.param}
    return {"BROKER": "streams", **redis_variables(valkey), **VARIABLES, **mutex}


@pytest.fixture
async def there(twin: Command) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of the other store."""
    url = f"http://127.0.0.1:{twin.port}"
    async with httpx.AsyncClient(base_url=url, timeout=20) as client:
        yield client


@pytest.fixture
async def peek(valkey: ValkeyLogin) -> AsyncGenerator[Redis]:
    client = Redis.open(settings_of(valkey))
    yield client
    await client.close()


async def crowd(http: httpx.AsyncClient, product_id: str, size: int) -> list[Person]:
    """Return so many buyers with one unit each in the cart."""
    buyers = await asyncio.gather(*(newcomer(http) for _ in range(size)))
    await asyncio.gather(*(buyer.wants(product_id) for buyer in buyers))
    return buyers


async def test_h02_a_holder_paused_past_its_lease_finds_only_what_others_left(
    shop: Shop, twin: Command, http: httpx.AsyncClient, there: httpx.AsyncClient, peek: Redis
) -> None:
    """Paused with the mutex in hand and a statement under way that has seen all units unsold."""
    kopi = await (await stall(http)).offers("Kopi", "9", stock=FREE + LEFT)
    held, free = await asyncio.gather(crowd(there, kopi, HELD), crowd(http, kopi, FREE))
    holder = partial(peek.get, f"pasar:{{stock}}:{kopi}")
    assert twin.process is not None
    [web] = descendants(twin.process.pid, "store-web")
    tokens: list[object] = []

    async def taken() -> bool:
        tokens.extend(filter(None, [await holder()]))
        return tokens != []

    async def outlived() -> bool:
        return await holder() not in tokens

    async with shop.database() as owner, owner.begin() as tx:
        await tx.execute(HOLD_CARTS, [buyer.email for buyer in held])
        late = [asyncio.create_task(buyer.ask("POST", "/orders", ADDRESS)) for buyer in held]
        if shop.store.variables["STOCK_LOCK"] == "on":  # at once: its lease runs from now
            await eventually(taken, what="a holder of the mutex")
        await until_somebody_waits(owner)  # for its cart
        with frozen(web):
            sold = await asyncio.gather(*(buyer.ask("POST", "/orders", ADDRESS) for buyer in free))
            await eventually(outlived, what="the end of the lease")
    told = [answer.status_code for answer in await asyncio.gather(*late)]

    assert bool(tokens) == (shop.store.variables["STOCK_LOCK"] == "on")
    assert [answer.status_code for answer in sold] == [201] * FREE
    assert sorted(told) == [201] * LEFT + [400] * (HELD - LEFT)
    assert await shop.count("SELECT stock FROM products WHERE id = $1::uuid", kopi) == 0
