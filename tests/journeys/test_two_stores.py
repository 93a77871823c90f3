"""Two stores of two web processes each on the same engines: four processes, one truth."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import cycle, groupby, islice
from uuid import uuid4

import httpx
import pytest

from pasar.engines.valkey_login import ValkeyLogin
from tests.cli.command import descendants
from tests.journeys.conftest import redis_variables
from tests.journeys.people import Person, newcomer, stall
from tests.journeys.processes import connected_to
from tests.journeys.rush import rush
from tests.journeys.shop import READY_S, Command, Shop
from tests.waiting import eventually

WORKERS = 2  # of each store
PER_MINUTE = 100
SOON_S = 5  # the messages of Redis and PostgreSQL take milliseconds, a busy machine its time
LOOKS = 5  # in a row that show the same: the first makes a copy, the others read it
PAUSE_S = 0.005
STOCK = 10_000
BUYERS = 5  # in each store
ORDERS = 200
CHANGES = 12

Shown = tuple[int, int] | None
"""Price and stock of a product as somebody is shown them; None: there is no such product."""


@pytest.fixture(scope="module")
def broker_variables(valkey: ValkeyLogin) -> Mapping[str, str]:
    told = {"APP_WORKERS": str(WORKERS), "RATE_LIMIT_AUTH": str(PER_MINUTE)}
    return {"BROKER": "streams", **told, **redis_variables(valkey)}


@pytest.fixture
async def windows(shop: Shop, twin: Command) -> AsyncGenerator[Sequence[httpx.AsyncClient]]:
    """A client of every web process, those of the first store first."""
    async with AsyncExitStack() as opened:
        here = await one_per_process(shop.store, opened)
        yield here + await one_per_process(twin, opened)


async def one_per_process(store: Command, opened: AsyncExitStack) -> list[httpx.AsyncClient]:
    """Connect until every process has a connection; each client has one and keeps it."""
    assert store.process is not None
    found: dict[int, httpx.AsyncClient] = {}
    async with asyncio.timeout(READY_S):
        while len(found) < WORKERS:
            limits = httpx.Limits(max_connections=1)
            url = f"http://127.0.0.1:{store.port}"
            client = httpx.AsyncClient(base_url=url, limits=limits, timeout=20)
            await opened.enter_async_context(client)
            answer = await client.get("/health")
            _, port = answer.extensions["network_stream"].get_extra_info("client_addr")
            for web in descendants(store.process.pid, "store-web"):
                if port in connected_to(web):
                    found.setdefault(web, client)
    return list(found.values())


@dataclass(slots=True)
class Watch:
    """What every window shows of a product: its page, and the list in which it is alone."""

    windows: Sequence[httpx.AsyncClient]
    product_id: str
    name: str
    seen: defaultdict[tuple[int, str], list[Shown]] = field(
        default_factory=lambda: defaultdict(list)
    )

    async def stare(self, number: int) -> None:
        """Look through one window for ever."""
        while True:
            for path in (f"/{self.product_id}", f"?search={self.name}"):
                answer = await self.windows[number].get(f"/api/v1/products{path}")
                self.seen[number, path].append(shown(answer))
            await asyncio.sleep(PAUSE_S)

    async def everybody_sees(self, expected: Shown) -> None:
        """Wait until it is all that is shown, page and list, by every process."""

        async def so() -> bool:
            views = 2 * len(self.windows)
            lately = [looks[-LOOKS:] for looks in self.seen.values()]
            return lately == [[expected] * LOOKS] * views

        await eventually(so, within_s=SOON_S, what=f"{expected} everywhere")


def shown(answer: httpx.Response) -> Shown:
    if answer.status_code == 404:
        return None
    data = answer.raise_for_status().json()["data"]
    products = data if isinstance(data, list) else [data]
    return (int(products[0]["price"]), products[0]["stock"]) if products else None


@asynccontextmanager
async def watched(watch: Watch) -> AsyncGenerator[Watch]:
    async with asyncio.TaskGroup() as group:
        staring = [group.create_task(watch.stare(each)) for each in range(len(watch.windows))]
        yield watch
        for task in staring:
            task.cancel()


async def test_a_change_is_shown_by_every_process_soon_and_what_was_before_never_again(
    http: httpx.AsyncClient, windows: Sequence[httpx.AsyncClient]
) -> None:
    name = uuid4().hex
    vendor, buyer = await stall(http), await newcomer(http)
    kopi = await vendor.offers(name, "10", stock=50)
    path = f"/products/{kopi}"
    async with watched(Watch(windows, kopi, name)) as watch:
        await watch.everybody_sees((10, 50))
        await vendor.seller.must("PUT", path, {"price": "12"})
        await watch.everybody_sees((12, 50))
        await vendor.seller.must("PUT", path, {"stock": 30})
        await watch.everybody_sees((12, 30))
        await buyer.buys(kopi, 2)
        await watch.everybody_sees((12, 28))
        await vendor.seller.must("DELETE", path)
        await watch.everybody_sees(None)

    history = [(10, 50), (12, 50), (12, 30), (12, 28), None]
    assert [[each for each, _ in groupby(seen)] for seen in watch.seen.values()] == [history] * 8


async def test_stock_that_is_sold_in_every_process_at_once_rises_in_none(
    http: httpx.AsyncClient, twin: Command, windows: Sequence[httpx.AsyncClient]
) -> None:
    name = uuid4().hex
    kopi = await (await stall(http)).offers(name, "10", stock=STOCK)
    async with (
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{twin.port}", timeout=20) as there,
        watched(Watch(windows, kopi, name)) as watch,
    ):
        buyers = [await newcomer(store) for store in (http, there) for _ in range(BUYERS)]
        await watch.everybody_sees((10, STOCK))
        async with rush(buyers, kopi) as going_on:
            await going_on.has(ORDERS)
        await watch.everybody_sees((10, STOCK - len(going_on.orders)))

    assert going_on.statuses == {200, 201}
    for seen in watch.seen.values():
        stocks = [each[1] for each in seen if each]
        assert stocks == sorted(stocks, reverse=True)


async def test_a_cart_changed_in_one_process_is_read_changed_in_every_other_at_once(
    http: httpx.AsyncClient, windows: Sequence[httpx.AsyncClient]
) -> None:
    kopi = await (await stall(http)).offers("Kopi", "10", stock=50)
    ana = await newcomer(http)
    await ana.wants(kopi)
    everywhere = [replace(ana, http=window) for window in windows]

    for quantity, writer in enumerate(islice(cycle(everywhere), CHANGES), 2):
        await writer.must("PUT", f"/cart/items/{kopi}", {"quantity": quantity})
        carts = await asyncio.gather(*(reader.must("GET", "/cart") for reader in everywhere))
        read = [[line["quantity"] for line in cart["items"]] for cart in carts]
        assert read == [[quantity]] * len(everywhere)


async def test_the_limit_of_a_user_is_one_for_all_processes_together(
    http: httpx.AsyncClient, windows: Sequence[httpx.AsyncClient]
) -> None:
    ana = await newcomer(http)
    allowed, refused = PER_MINUTE // len(windows), 10

    rounds = [await everywhere(ana, windows) for _ in range(allowed + refused)]

    assert rounds == [[200] * len(windows)] * allowed + [[429] * len(windows)] * refused


async def test_h41_logout_everywhere_is_in_force_in_every_process_of_both_stores_within_5_s(
    http: httpx.AsyncClient, windows: Sequence[httpx.AsyncClient]
) -> None:
    ana = await newcomer(http)
    assert await everywhere(ana, windows) == [200] * len(windows)

    await ana.must("POST", "/auth/logout-all")

    async def out() -> bool:
        return await everywhere(ana, windows) == [401] * len(windows)

    await eventually(out, within_s=SOON_S, what="the token being over")
    assert await everywhere(ana, windows) == [401] * len(windows)
    assert await everywhere(await ana.logged_in(), windows) == [200] * len(windows)


async def everywhere(person: Person, windows: Sequence[httpx.AsyncClient]) -> list[int]:
    """Ask for the person's cart in every process at once; return the statuses."""
    asked = (replace(person, http=window).ask("GET", "/cart") for window in windows)
    return [answer.status_code for answer in await asyncio.gather(*asked)]
