"""A checkout with everything Redis does for it: what it costs, and that it decides nothing."""

import asyncio
import os
from signal import Signals

import pytest

from pasar.engines.valkey import Valkey
from pasar.kit.ids import TimeOrderedIds
from pasar.kit.lock import CrowdLock
from pasar.kit.postgres import PostgresDatabase
from pasar.kit.redis import Redis
from pasar.kit.versioned_cache import VersionedCache
from pasar.store_service.cart.postgres import PostgresCarts
from pasar.store_service.cart.redis import RedisCarts
from pasar.store_service.catalog.postgres import PostgresProducts
from pasar.store_service.catalog.redis import RedisProducts
from pasar.store_service.identity import UserId
from pasar.store_service.orders.combining import CombiningCheckouts
from pasar.store_service.orders.postgres import PostgresCheckouts
from pasar.store_service.orders.postgres_orders import PostgresOrders
from pasar.store_service.orders.postgres_reads import PostgresOrderReads
from pasar.store_service.orders.redis import LockedCheckouts
from pasar.store_service.orders.service import OrderService
from tests.fixtures.redis import settings_of
from tests.store_service.shop import Shop


class Process:
    """One process of the shop: its own memory, the common engines."""

    def __init__(self, database: PostgresDatabase, redis: Redis) -> None:
        self.carts = RedisCarts(VersionedCache(redis, "cart", 60), PostgresCarts(database, 1000))
        self.products = RedisProducts(
            VersionedCache(redis, "product", 60), PostgresProducts(database), self.carts.outdate
        )
        reads = PostgresOrderReads(database)
        checkouts = CombiningCheckouts(
            LockedCheckouts(
                CrowdLock(redis, "{stock}:", lease_s=3, wait_s=0.2),
                self.carts,
                behind=PostgresCheckouts(database, reads, TimeOrderedIds(), "IDR"),
            ),
            is_joined=bool,
        )
        self.orders = OrderService(
            database,
            checkouts,
            PostgresOrders(),
            reads,
            self.carts,
            self.products,
            lambda: None,
            TimeOrderedIds(),
        )

    async def checkout(self, buyer: UserId) -> None:
        await self.orders.checkout(buyer, "Jalan Pasar 1", None)


@pytest.fixture
def shop(owner: PostgresDatabase) -> Shop:
    return Shop(owner)


async def test_a_checkout_costs_two_round_trips_and_one_statement(
    shop: Shop, database: PostgresDatabase, redis: Redis
) -> None:
    """Taking the lock is one; its release and the dropping of all copies leave together."""
    process = Process(database, redis)
    costs = []
    for _ in range(2):  # the first one teaches the server our scripts
        buyer = await shop.buyer()
        for _ in range(3):
            await process.carts.add(buyer, await shop.product(), 1)
        trips, statements = redis.round_trips, database.statements
        await process.checkout(buyer)
        costs.append((redis.round_trips - trips, database.statements - statements))

    assert costs[1] == (2, 1)


async def test_after_a_checkout_every_process_shows_the_empty_cart_and_the_new_stock(
    shop: Shop, database: PostgresDatabase, redis: Redis
) -> None:
    here, there = Process(database, redis), Process(database, redis)
    buyer, lamp = await shop.buyer(), await shop.product(stock=5)
    await there.carts.add(buyer, lamp, 2)
    shown = await there.products.get(lamp)
    await here.checkout(buyer)
    cart = await there.carts.get(buyer)

    assert shown.stock == 5
    assert (cart.lines, (await there.products.get(lamp)).stock) == ((), 3)


async def test_a_checkout_goes_on_when_the_lock_is_held_for_ever(
    shop: Shop, database: PostgresDatabase, redis: Redis
) -> None:
    process = Process(database, redis)
    buyer, lamp = await shop.buyer(), await shop.product(stock=5)
    await process.carts.add(buyer, lamp, 2)
    await redis.set(f"{{stock}}:{lamp}", "somebody else's")
    await process.checkout(buyer)

    assert await shop.stock(lamp) == 3
    assert await redis.get(f"{{stock}}:{lamp}") == b"somebody else's"


async def test_without_redis_carts_and_checkouts_go_on(
    shop: Shop, database: PostgresDatabase, own_valkey: Valkey
) -> None:
    redis = Redis.open(settings_of(own_valkey.login, timeout_s=0.05))
    process = Process(database, redis)
    lamp = await shop.product(stock=5)
    buyers = [await shop.buyer() for _ in range(5)]
    await process.carts.add(buyers[0], lamp, 1)
    os.kill(own_valkey.child.pid, Signals.SIGKILL)
    for buyer in buyers[1:]:
        await process.carts.add(buyer, lamp, 1)
    await asyncio.gather(*(process.checkout(buyer) for buyer in buyers))
    await redis.close()

    assert await shop.stock(lamp) == 0
    assert (await process.carts.get(buyers[0])).lines == ()
