"""
The composition root's corner for what every process of the store service stands on.

The background process has no more than this and the talk with the payment service: nothing here
knows HTTP, tokens or passwords, whose libraries it would load for nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pasar.kit.ids import Ids, TimeOrderedIds
from pasar.kit.joining import JoiningDatabase
from pasar.kit.lock import CrowdLock
from pasar.kit.postgres import PostgresDatabase
from pasar.kit.redis import Redis
from pasar.kit.storage.choose import open_storage
from pasar.kit.storage.port import Storage
from pasar.store_service.caches import Cached, cached
from pasar.store_service.cart.redis import RedisCarts
from pasar.store_service.config import StoreConfig
from pasar.store_service.orders.combining import CombiningCheckouts, CombiningReads
from pasar.store_service.orders.postgres import PostgresCheckouts
from pasar.store_service.orders.postgres_orders import PostgresOrders
from pasar.store_service.orders.postgres_reads import PostgresOrderReads
from pasar.store_service.orders.redis import LockedCheckouts
from pasar.store_service.orders.repository import Checkouts, OrderReads, Orders
from pasar.store_service.orders.service import OrderService

SERVICE: Final = "store-service"
OUTBOX_CHANNEL: Final = "store_outbox"  # of NOTIFY: checkout wakes the worker's relay


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """`database` joins a transaction that is open around it; `postgres` is what it stands on."""

    postgres: PostgresDatabase
    database: JoiningDatabase
    redis: Redis
    storage: Storage
    copies: Cached
    orders: Orders
    reads: OrderReads
    ordering: OrderService
    ids: Ids

    async def close(self) -> None:
        """Once nobody uses them: running statements are waited for, some seconds at most."""
        await self.redis.close()
        await self.postgres.close()


async def open_core(config: StoreConfig, *, pool_size: int, wake: Callable[[], None]) -> Core:
    """Connect the parts; returns also while the engines are away. `wake` rouses the relay."""
    ids = TimeOrderedIds()
    postgres = await PostgresDatabase.open(config.postgres(pool_size))
    database = JoiningDatabase(postgres)
    redis = Redis.open(config.redis())
    copies = cached(config, database, redis)
    carts, products = copies.carts, copies.products
    orders, in_database = PostgresOrders(), PostgresOrderReads(database)
    reads = CombiningReads(in_database)
    checkouts = _checkouts(config, database, redis, carts, in_database, ids)
    return Core(
        postgres=postgres,
        database=database,
        redis=redis,
        storage=open_storage(config.storage()),
        copies=copies,
        orders=orders,
        reads=reads,
        ordering=OrderService(database, checkouts, orders, reads, carts, products, wake, ids),
        ids=ids,
    )


def nobody() -> None:
    """Wake nobody: the process makes no order, or is the relay itself."""


def _checkouts(
    config: StoreConfig,
    database: JoiningDatabase,
    redis: Redis,
    carts: RedisCarts,
    reads: OrderReads,
    ids: Ids,
) -> Checkouts:
    """Combine what waits, behind the mutex that shapes a crowd; safe without either."""
    safe = PostgresCheckouts(database, reads, ids, config.shop_currency)
    if config.stock_lock == "off":
        return CombiningCheckouts(safe, database.is_joined)
    lock = CrowdLock(
        redis, "pasar:{stock}:", lease_s=config.stock_lock_lease, wait_s=config.stock_lock_wait
    )
    return CombiningCheckouts(LockedCheckouts(lock, carts, behind=safe), database.is_joined)
