"""
What a request may cost: SQL statements and Redis round trips, counted on the real parts.

Counts are exact where times are not. A budget that is not used up any more is lowered here.
"""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass

import httpx
import pytest

from pasar.engines.valkey_login import ValkeyLogin
from pasar.kit.postgres import PostgresDatabase, PostgresSettings
from pasar.kit.redis import Redis
from pasar.store_service.catalog.model import ProductId
from pasar.store_service.main import Parts, build
from pasar.store_service.web.route import Limit
from tests.store_service.served import application, bearer, config_on
from tests.store_service.shop import Shop

ADDRESS = {"shipping_address": "Jl. Merdeka No. 1, Jakarta"}


@dataclass(frozen=True, slots=True)
class Cost:
    statements: int
    round_trips: int


@dataclass(frozen=True, slots=True)
class Counted:
    """The store service in this process, asked by one buyer; its shop has two products."""

    http: httpx.AsyncClient
    parts: Parts
    lamp: ProductId
    chair: ProductId

    async def asked(
        self, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> tuple[Cost, str]:
        """Return what the request cost, and the id in its answer."""
        database, redis = self.parts.database, self.parts.redis
        statements, round_trips = database.statements, redis.round_trips
        answer = await self.http.request(method, path, json=body)
        cost = Cost(database.statements - statements, redis.round_trips - round_trips)
        assert answer.is_success, answer.text
        data = answer.json()["data"]
        return cost, str(data["id"]) if "id" in data else ""

    async def cost(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Cost:
        return (await self.asked(method, path, body))[0]

    async def wants(self, product: ProductId) -> Cost:
        line = {"product_id": str(product), "quantity": 1}
        return await self.cost("POST", "/cart/items", line)


@pytest.fixture
async def service(
    clone: PostgresSettings, owner: PostgresDatabase, redis: Redis, valkey: ValkeyLogin
) -> AsyncGenerator[Counted]:
    """After a first purchase: connections stand, and Redis knows the scripts."""
    await redis.flushall()
    shop = Shop(owner)
    settings = config_on(clone, valkey)
    parts = await build(settings, pool_size=2, wake=lambda: None)
    limited = application(settings, parts, per_minute=dict.fromkeys(Limit, 1000))
    login = bearer(await shop.buyer())
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=limited), base_url="http://shop/api/v1", headers=login
    ) as http:
        counted = Counted(http, parts, await shop.product(), await shop.product())
        await counted.wants(counted.chair)
        await counted.asked("POST", "/orders", ADDRESS)
        yield counted
    parts.signing_in.passwords.close()
    await parts.redis.close()
    await parts.database.close()


async def test_a_product_page_asks_the_database_once_then_redis_then_nobody(
    service: Counted,
) -> None:
    first = await service.cost("GET", f"/products/{service.lamp}")
    second = await service.cost("GET", f"/products/{service.lamp}")
    third = await service.cost("GET", f"/products/{service.lamp}")

    assert first == Cost(statements=1, round_trips=3)  # limiter, miss, fill
    assert second == Cost(statements=0, round_trips=2)  # limiter, copy
    assert third == Cost(statements=0, round_trips=1)  # limiter


async def test_a_list_is_found_by_the_database_once_and_shown_from_this_process(
    service: Counted,
) -> None:
    first = await service.cost("GET", "/products?search=lamp")
    await service.cost("GET", "/products?search=lamp")
    again = await service.cost("GET", "/products?search=lamp")
    past = await service.cost("GET", "/products?search=lamp&page=9")

    assert first == Cost(statements=4, round_trips=3)  # terms, count, page, products
    assert again == Cost(statements=0, round_trips=1)
    assert past == Cost(statements=2, round_trips=1)


async def test_a_cart_is_changed_by_one_statement_and_read_from_redis(service: Counted) -> None:
    added = await service.wants(service.lamp)
    read = await service.cost("GET", "/cart")
    removed = await service.cost("DELETE", f"/cart/items/{service.lamp}")

    assert added == Cost(statements=1, round_trips=2)  # limiter, new copy
    assert read == Cost(statements=0, round_trips=2)  # limiter, hit
    assert removed == Cost(statements=1, round_trips=2)


async def test_d51_a_checkout_of_two_products_is_one_statement_and_so_is_its_page(
    service: Counted,
) -> None:
    await service.wants(service.lamp)
    await service.wants(service.chair)
    placed, order_id = await service.asked("POST", "/orders", ADDRESS)
    page = await service.cost("GET", f"/orders/{order_id}")

    assert placed == Cost(statements=1, round_trips=3)  # limiter, lock, its release with the copies
    assert page == Cost(statements=1, round_trips=1)
