"""
The composition root of the store service: the one place that picks adapters and connects them.

Every process of the service is made of these parts; `processes.py` starts and stops them.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pasar.kit.idempotency import Once, PostgresOnce
from pasar.kit.ids import Ids, TimeOrderedIds
from pasar.kit.joining import JoiningDatabase
from pasar.kit.lock import CrowdLock
from pasar.kit.pictures import Pictures
from pasar.kit.postgres import PostgresDatabase
from pasar.kit.redis import Redis
from pasar.kit.storage.choose import open_storage
from pasar.kit.storage.port import Storage
from pasar.kit.versioned_cache import VersionedCache
from pasar.store_service.accounts.handler import AccountHandler, SessionHandler
from pasar.store_service.caches import cached
from pasar.store_service.cart.handler import CartHandler
from pasar.store_service.cart.redis import RedisCarts
from pasar.store_service.cart.service import CartService
from pasar.store_service.catalog.handler import CategoryHandler, ProductHandler
from pasar.store_service.catalog.postgres import PostgresCategories
from pasar.store_service.catalog.service import CategoryService, ProductService
from pasar.store_service.config import StoreConfig
from pasar.store_service.orders.combining import CombiningCheckouts
from pasar.store_service.orders.handler import OrderHandler, SellerOrderHandler
from pasar.store_service.orders.postgres import PostgresCheckouts
from pasar.store_service.orders.postgres_orders import PostgresOrders
from pasar.store_service.orders.postgres_reads import PostgresOrderReads
from pasar.store_service.orders.redis import LockedCheckouts
from pasar.store_service.orders.repository import Checkouts, OrderReads
from pasar.store_service.orders.service import OrderService, SellerOrderService
from pasar.store_service.reviews.handler import ReviewHandler
from pasar.store_service.reviews.postgres import PostgresReviews
from pasar.store_service.reviews.service import ReviewService
from pasar.store_service.sign_in import SignIn, sign_in
from pasar.store_service.stores.handler import StoreHandler
from pasar.store_service.stores.postgres import PostgresStores
from pasar.store_service.stores.service import StoreService
from pasar.store_service.timeline.handler import TimelineHandler
from pasar.store_service.timeline.postgres import PostgresTimelines
from pasar.store_service.timeline.service import TimelineService


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a process of the store service is made of."""

    database: PostgresDatabase
    redis: Redis
    storage: Storage
    copies: tuple[VersionedCache, ...]
    signing_in: SignIn
    ordering: OrderService
    once: Once
    handlers: tuple[object, ...]

    async def close(self) -> None:
        """Once nobody uses them: running statements are waited for, some seconds at most."""
        self.signing_in.passwords.close()
        await self.redis.close()
        await self.database.close()


async def build(config: StoreConfig, *, pool_size: int, wake: Callable[[], None]) -> Parts:
    """Connect the parts; returns also while the engines are away. `wake` rouses the relay."""
    ids = TimeOrderedIds()
    postgres = await PostgresDatabase.open(config.postgres(pool_size))
    database = JoiningDatabase(postgres)
    redis = Redis.open(config.redis())
    storage = open_storage(config.storage())

    signing_in = sign_in(config, database, ids)
    pictures = Pictures(config.images(), storage)
    stores = PostgresStores(database)
    copies = cached(config, database, redis)
    carts, products = copies.carts, copies.products
    orders, reads = PostgresOrders(), PostgresOrderReads(database)
    checkouts = _checkouts(config, database, redis, carts, reads, ids)
    ordering = OrderService(database, checkouts, orders, reads, carts, products, wake, ids)

    return Parts(
        database=postgres,
        redis=redis,
        storage=storage,
        copies=copies.shared,
        signing_in=signing_in,
        ordering=ordering,
        once=PostgresOnce(database, config.idempotency_ttl, committed=wake),
        handlers=(
            AccountHandler(signing_in.accounts),
            SessionHandler(signing_in.sessions),
            StoreHandler(StoreService(database, stores, signing_in.users, pictures, ids)),
            CategoryHandler(CategoryService(PostgresCategories(database), ids)),
            ProductHandler(ProductService(products, copies.search, stores, pictures, ids)),
            CartHandler(CartService(carts)),
            OrderHandler(ordering),
            SellerOrderHandler(SellerOrderService(database, orders, reads, stores)),
            ReviewHandler(ReviewService(PostgresReviews(database), ids)),
            TimelineHandler(TimelineService(PostgresTimelines(database))),
        ),
    )


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
