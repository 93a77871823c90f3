"""Answers get lost: the shop in this process, its line to the database cut, its steps stopped."""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest

from pasar.engines.valkey_login import ValkeyLogin
from pasar.kit import failpoints
from pasar.kit.postgres import PostgresDatabase, PostgresSettings
from pasar.kit.redis import Redis
from pasar.store_service.catalog.model import ProductId
from pasar.store_service.identity import UserId
from pasar.store_service.main import build
from tests.store_service.cut import Line, line_to
from tests.store_service.served import application, asked, bearer, config_on
from tests.store_service.shop import Shop
from tests.waiting import eventually

ADDRESS = {"shipping_address": "Jl. Merdeka No. 1, Jakarta"}
MANY = 200 if "LONG" in os.environ else 40


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who speaks to the shop."""

    http: httpx.AsyncClient
    user_id: UserId
    role: str = "buyer"

    async def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        key: str | None = None,
    ) -> httpx.Response:
        headers = bearer(self.user_id, self.role)
        headers |= {"Idempotency-Key": key} if key else {}
        return await self.http.request(method, f"/api/v1{path}", json=body, headers=headers)

    async def wants(self, product: ProductId) -> None:
        line = {"product_id": str(product), "quantity": 1}
        assert (await self.ask("POST", "/cart/items", line)).status_code == 200

    async def checks_out(self, key: str | None = None) -> httpx.Response:
        return await self.ask("POST", "/orders", ADDRESS, key=key)

    async def insists(self, key: str) -> httpx.Response:
        """Check out under one key until there is an answer to it, as a client would."""
        async with asyncio.timeout(20):
            while not (answer := await self.checks_out(key)).is_success:
                assert answer.status_code in {409, 503}, answer.text
                assert answer.headers["retry-after"] == "1"
                await asyncio.sleep(0.02)
        return answer

    async def lines(self) -> int:
        return len((await self.ask("GET", "/cart")).json()["data"]["items"])


@dataclass
class Service:
    """The store service over a line that can be cut, and what the owner of its database sees."""

    line: Line
    port: int
    owner: PostgresDatabase
    valkey: ValkeyLogin
    shop: Shop
    stack: AsyncExitStack
    http: httpx.AsyncClient = field(init=False)

    async def start(self, *, request_timeout_s: float = 30) -> None:
        """Begin, or begin anew as another process would."""
        self.http = await self.stack.enter_async_context(self._served(request_timeout_s))

    async def buyer(self) -> Caller:
        return Caller(self.http, await self.shop.buyer())

    async def buyer_of(self, *products: ProductId) -> Caller:
        buyer = await self.buyer()
        for product in products:
            await buyer.wants(product)
        return buyer

    async def orders(self) -> int:
        return await self.shop.number("SELECT count(*) FROM orders")

    async def keys(self) -> int:
        return await self.shop.number("SELECT count(*) FROM idempotency_keys")

    @asynccontextmanager
    async def _served(self, request_timeout_s: float) -> AsyncGenerator[httpx.AsyncClient]:
        config = replace(
            config_on(self.line.settings, self.valkey), db_host="127.0.0.1", db_port=self.port
        )
        parts = await build(config, pool_size=8, wake=lambda: None)
        shop = application(config, parts, request_timeout_s=request_timeout_s)
        async with asked(shop, "http://shop") as http:
            yield http
        await parts.close()


@pytest.fixture
async def service(
    clone: PostgresSettings, owner: PostgresDatabase, redis: Redis, valkey: ValkeyLogin
) -> AsyncGenerator[Service]:
    await redis.flushall()
    async with line_to(clone) as (line, port), AsyncExitStack() as stack:
        service = Service(line, port, owner, valkey, Shop(owner), stack)
        await service.start()
        yield service

        assert await service.shop.broken_books() == []


@pytest.fixture
def stops() -> Generator[Any]:
    yield lambda text: failpoints.arm(text, app_env="test")
    failpoints.arm("", app_env="test")


def replayed(answer: httpx.Response) -> bool:
    return "idempotency-replayed" in answer.headers


async def test_h06_fifty_presses_with_one_key_make_one_order(service: Service) -> None:
    buyer = await service.buyer_of(await service.shop.product())
    answers = await asyncio.gather(*(buyer.checks_out("k") for _ in range(50)))
    counted = Counter(answer.status_code for answer in answers)
    made = {answer.json()["data"]["id"] for answer in answers if answer.is_success}
    waits = {answer.headers["retry-after"] for answer in answers if not answer.is_success}

    assert set(counted) <= {201, 409}
    assert (len(made), await service.orders(), waits) == (1, 1, {"1"})


async def test_d57_a_replay_outlives_everything_but_its_day(service: Service) -> None:
    """The product gets dearer and goes, the cart fills again, the process is another one."""
    lamp = await service.shop.product(price="10")
    buyer = await service.buyer_of(lamp)
    first = await buyer.checks_out("k")
    await service.shop.reprice(lamp, "99")
    await service.shop.delete(lamp)
    await buyer.wants(await service.shop.product())
    await service.start()
    again = await Caller(service.http, buyer.user_id).checks_out("k")

    assert (replayed(first), replayed(again)) == (False, True)
    assert again.json()["data"] == first.json()["data"]
    assert (await service.orders(), await buyer.lines()) == (1, 1)

    await service.owner.execute("UPDATE idempotency_keys SET created_at = now() - interval '25 h'")
    assert not replayed(await buyer.checks_out("k"))
    assert await service.orders() == 2


async def test_d57_keys_of_two_buyers_and_of_two_routes_do_not_meet(service: Service) -> None:
    lamp = await service.shop.product()
    buyers = [await service.buyer_of(lamp) for _ in range(2)]
    orders = [await buyer.checks_out("k") for buyer in buyers]
    opened = await buyers[0].ask("POST", "/stores", {"name": "A store"}, key="k")

    assert [answer.status_code for answer in (*orders, opened)] == [201, 201, 201]
    assert not any(replayed(answer) for answer in (*orders, opened))


async def test_d57_stores_categories_and_products_are_made_once_too(service: Service) -> None:
    admin = Caller(service.http, await service.shop.buyer(), "admin")
    owner = await service.buyer()
    seller = Caller(service.http, owner.user_id, "seller")
    category = await admin.ask("POST", "/categories", {"name": "Tea"}, key="k")
    product = {"name": "Oolong", "price": "10", "category_id": category.json()["data"]["id"]}
    wishes = [
        (admin, "/categories", {"name": "Tea"}),
        (owner, "/stores", {"name": "Leaves"}),
        (seller, "/products", {**product, "stock": 3}),
    ]
    for who, path, body in wishes:
        first = await who.ask("POST", path, body, key="k")
        again = await who.ask("POST", path, body, key="k")

        assert (again.status_code, again.json()["data"]) == (201, first.json()["data"])
        assert replayed(again)


async def test_d57_a_refusal_is_not_kept(service: Service) -> None:
    buyer = await service.buyer()
    refused = await buyer.checks_out("k")
    await buyer.wants(await service.shop.product())

    assert refused.status_code == 400
    assert (await buyer.checks_out("k")).status_code == 201


@pytest.mark.parametrize("key", [None, "k"])
async def test_c01_killed_before_the_commit_nothing_has_happened(
    service: Service, stops: Any, key: str | None
) -> None:
    buyer = await service.buyer_of(await service.shop.product())
    stops("checkout.before_commit=raise")
    failed = await buyer.checks_out(key)
    stops("")

    assert (failed.status_code, await service.orders(), await buyer.lines()) == (500, 0, 1)
    retried = await buyer.checks_out(key)
    assert (retried.status_code, replayed(retried)) == (201, False)


async def test_c02_killed_after_the_commit_a_retry_with_the_key_gets_the_order(
    service: Service, stops: Any
) -> None:
    buyer = await service.buyer_of(await service.shop.product())
    stops("checkout.after_commit=raise")
    failed = await buyer.checks_out("k")
    stops("")
    retried = await buyer.checks_out("k")

    assert (failed.status_code, retried.status_code, replayed(retried)) == (500, 201, True)
    assert (await service.orders(), await service.keys()) == (1, 1)


async def test_c02_without_a_key_the_order_is_found_in_the_list(
    service: Service, stops: Any
) -> None:
    buyer = await service.buyer_of(await service.shop.product())
    stops("checkout.after_commit=raise")
    await buyer.checks_out()
    stops("")
    retried = await buyer.checks_out()
    listed = (await buyer.ask("GET", "/orders")).json()["data"]

    assert retried.json()["errors"][0]["message"] == "cart is empty"
    assert [order["status"] for order in listed] == ["pending"]


async def test_h18_killed_after_its_commit_a_cancel_is_done_and_done_once(
    service: Service, stops: Any
) -> None:
    lamp = await service.shop.product(stock=5)
    buyer = await service.buyer_of(lamp)
    order = (await buyer.checks_out()).json()["data"]["id"]
    stops("cancel.after_commit=raise")
    failed = await buyer.ask("PUT", f"/orders/{order}/cancel")
    stops("")
    retried = await buyer.ask("PUT", f"/orders/{order}/cancel")
    shown = (await buyer.ask("GET", f"/products/{lamp}")).json()["data"]["stock"]

    assert (failed.status_code, retried.status_code) == (500, 400)
    assert (await service.shop.stock(lamp), shown) == (5, 5)


@pytest.mark.parametrize("heard", [True, False])
async def test_h25_a_commit_whose_answer_is_lost_is_answered_by_its_key(
    service: Service, heard: bool
) -> None:
    """Each COMMIT is sent and then its connection reset, with and without an outcome by then."""
    lamp = await service.shop.product(stock=1000)
    buyers = [await service.buyer_of(lamp) for _ in range(MANY)]
    service.line.mark, service.line.heard, service.line.times = b"COMMIT\0", heard, MANY
    answers = await asyncio.gather(*(buyer.insists("k") for buyer in buyers))
    ids = {answer.json()["data"]["id"] for answer in answers}

    assert service.line.cuts == MANY
    assert len(ids) == await service.orders() == await service.keys() == MANY
    assert await service.shop.stock(lamp) == 1000 - MANY


@pytest.mark.parametrize("heard", [True, False])
async def test_h25_without_a_key_the_service_itself_looks_for_the_order(
    service: Service, heard: bool
) -> None:
    lamp = await service.shop.product(stock=1000)
    buyers = [await service.buyer_of(lamp) for _ in range(MANY // 4)]
    mark = ADDRESS["shipping_address"].encode()
    service.line.mark, service.line.heard, service.line.times = mark, heard, len(buyers)
    answers = [await buyer.checks_out() for buyer in buyers]

    assert {answer.status_code for answer in answers} == {201}
    assert service.line.cuts == await service.orders() == len(buyers)


async def test_h31_a_deadline_before_the_commit_leaves_no_order_and_no_key(
    service: Service,
) -> None:
    lamp = await service.shop.product()
    buyer = await service.buyer_of(lamp)
    await service.start(request_timeout_s=0.3)
    hurried = Caller(service.http, buyer.user_id)
    async with service.owner.begin() as tx:
        await tx.execute("SELECT FROM products WHERE id = $1 FOR UPDATE", lamp)
        late = await hurried.checks_out("k")

    assert (late.status_code, await service.orders(), await service.keys()) == (504, 0, 0)
    assert (await buyer.checks_out("k")).status_code == 201


async def test_h31_a_deadline_after_the_commit_is_made_good_by_the_key(
    service: Service, stops: Any
) -> None:
    buyer = await service.buyer_of(await service.shop.product())
    await service.start(request_timeout_s=1)
    stops("checkout.after_commit=sleep:30s")
    late = await Caller(service.http, buyer.user_id).checks_out("k")
    stops("")
    retried = await buyer.checks_out("k")

    assert (late.status_code, await service.orders()) == (504, 1)
    assert (retried.status_code, replayed(retried)) == (201, True)


async def test_h31_past_its_deadline_a_checkout_is_no_order_or_the_one_that_its_key_brings(
    service: Service, stops: Any
) -> None:
    lamp = await service.shop.product(stock=MANY)
    buyers = [await service.buyer_of(lamp) for _ in range(MANY)]
    await service.start(request_timeout_s=1)
    stops("checkout.before_commit=sleep:30s:1/8,checkout.after_commit=sleep:30s:1/2")
    hurried = [Caller(service.http, buyer.user_id) for buyer in buyers]
    first = await asyncio.gather(*(buyer.checks_out("k") for buyer in hurried))
    made = await service.orders()
    stops("")
    brought = await asyncio.gather(*(buyer.insists("k") for buyer in buyers))

    assert {answer.status_code for answer in first} <= {201, 503, 504}
    assert 504 in {answer.status_code for answer in first}
    assert sum(replayed(answer) for answer in brought) == made
    assert await service.orders() == await service.keys() == MANY
    assert await service.shop.stock(lamp) == 0


async def test_a_cart_read_before_the_commit_is_not_shown_after_it(
    service: Service, redis: Redis
) -> None:
    """The copies go before the commit; whoever fills one from the old state is refused."""
    buyer = await service.buyer_of(await service.shop.product())
    copy = f"pasar:cart:{buyer.user_id}"
    async with service.owner.begin() as tx:
        await tx.execute("LOCK TABLE idempotency_keys IN SHARE MODE")
        filled = await redis.get(copy)
        buying = asyncio.create_task(buyer.checks_out("k"))

        async def dropped() -> bool:
            return bool(await redis.get(copy) != filled)

        await eventually(dropped)
        before = await buyer.lines()

    assert (await buying).status_code == 201
    assert (before, await buyer.lines()) == (1, 0)
