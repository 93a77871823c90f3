"""
The composition root of the store service: the one place that picks adapters and connects them.

Every process of the service is made of these parts; `processes.py` starts and stops them.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pasar.kit.database import Database
from pasar.kit.ids import Ids, TimeOrderedIds
from pasar.kit.lock import CrowdLock
from pasar.kit.pictures import Pictures
from pasar.kit.postgres import PostgresDatabase
from pasar.kit.redis import Redis
from pasar.kit.storage.choose import open_storage
from pasar.kit.storage.port import Storage
from pasar.kit.versioned_cache import VersionedCache
from pasar.store_service.accounts.handler import AccountHandler, SessionHandler
from pasar.store_service.cart.handler import CartHandler
from pasar.store_service.cart.postgres import PostgresCarts
from pasar.store_service.cart.redis import RedisCarts
from pasar.store_service.cart.service import CartService
from pasar.store_service.catalog.handler import CategoryHandler, ProductHandler
from pasar.store_service.catalog.postgres import PostgresCategories, PostgresProducts
from pasar.store_service.catalog.postgres_search import PostgresProductSearch
from pasar.store_service.catalog.redis import RedisProducts
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
from pasar.store_service.payments.consumer import PaymentResults
from pasar.store_service.payments.service import PaymentService
from pasar.store_service.reviews.handler import ReviewHandler
from pasar.store_service.reviews.postgres import PostgresReviews
from pasar.store_service.reviews.service import ReviewService
from pasar.store_service.sign_in import SignIn, sign_in
from pasar.store_service.stores.handler import StoreHandler
from pasar.store_service.stores.postgres import PostgresStores
from pasar.store_service.stores.service import StoreService


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a process of the store service is made of."""

    database: PostgresDatabase
    redis: Redis
    storage: Storage
    signing_in: SignIn
    payment_results: PaymentResults
    handlers: tuple[object, ...]

    async def close(self) -> None:
        """Once nobody uses them: running statements are waited for, some seconds at most."""
        self.signing_in.passwords.close()
        await self.redis.close()
        await self.database.close()


async def build(config: StoreConfig, *, pool_size: int, wake: Callable[[], None]) -> Parts:
    """Connect the parts; returns also while the engines are away. `wake` rouses the relay."""
    ids = TimeOrderedIds()
    database = await PostgresDatabase.open(config.postgres(pool_size))
    redis = Redis.open(config.redis())
    storage = open_storage(config.storage())

    signing_in = sign_in(config, database, ids)
    pictures = Pictures(config.images(), storage)
    stores = PostgresStores(database)
    carts = _carts(config, database, redis)
    products = _products(config, database, redis, carts)
    search = PostgresProductSearch(database, config.db_search_timeout)
    orders, reads = PostgresOrders(), PostgresOrderReads(database)
    checkouts = _checkouts(config, database, redis, carts, reads, ids)
    ordering = OrderService(database, checkouts, orders, reads, carts, products, wake, ids)
    paying = PaymentService(database, ordering)

    return Parts(
        database=database,
        redis=redis,
        storage=storage,
        signing_in=signing_in,
        payment_results=PaymentResults(paying, [config.event_signing_key]),
        handlers=(
            AccountHandler(signing_in.accounts),
            SessionHandler(signing_in.sessions),
            StoreHandler(StoreService(database, stores, signing_in.users, pictures, ids)),
            CategoryHandler(CategoryService(PostgresCategories(database), ids)),
            ProductHandler(ProductService(products, search, stores, pictures, ids)),
            CartHandler(CartService(carts)),
            OrderHandler(ordering),
            SellerOrderHandler(SellerOrderService(database, orders, reads, stores)),
            ReviewHandler(ReviewService(PostgresReviews(database), ids)),
        ),
    )


def _carts(config: StoreConfig, database: Database, redis: Redis) -> RedisCarts:
    copies = VersionedCache(redis, "pasar:cart", config.cart_cache_ttl)
    return RedisCarts(copies, behind=PostgresCarts(database, config.cart_max_lines))


def _products(
    config: StoreConfig, database: Database, redis: Redis, carts: RedisCarts
) -> RedisProducts:
    """Tell the carts of each edit: their copies show names, prices and pictures of products."""
    copies = VersionedCache(redis, "pasar:product", config.product_cache_ttl)
    return RedisProducts(copies, behind=PostgresProducts(database), edited=carts.outdate)


def _checkouts(
    config: StoreConfig,
    database: Database,
    redis: Redis,
    carts: RedisCarts,
    reads: OrderReads,
    ids: Ids,
) -> Checkouts:
    """Combine what waits, behind the mutex that shapes a crowd; safe without either."""
    safe = PostgresCheckouts(database, reads, ids, config.shop_currency)
    if config.stock_lock == "off":
        return CombiningCheckouts(safe)
    lock = CrowdLock(
        redis, "pasar:{stock}:", lease_s=config.stock_lock_lease, wait_s=config.stock_lock_wait
    )
    return CombiningCheckouts(LockedCheckouts(lock, carts, behind=safe))
