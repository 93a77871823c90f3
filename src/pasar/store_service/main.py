"""
The composition root of the store service: the one place that picks adapters and connects them.

Every process of the service is made of these parts; `processes.py` starts and stops them.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pasar.kit.clock import SystemClock
from pasar.kit.ids import TimeOrderedIds
from pasar.kit.lock import CrowdLock
from pasar.kit.passwords import Passwords
from pasar.kit.pictures import Pictures
from pasar.kit.postgres import PostgresDatabase
from pasar.kit.redis import Redis
from pasar.kit.storage.choose import open_storage
from pasar.kit.storage.port import Storage
from pasar.kit.tokens import TokenSigner
from pasar.kit.versioned_cache import VersionedCache
from pasar.store_service.accounts.handler import AccountHandler
from pasar.store_service.accounts.postgres import PostgresSessions, PostgresUsers
from pasar.store_service.accounts.service import AccountService, Issuer
from pasar.store_service.cart.handler import CartHandler
from pasar.store_service.cart.postgres import PostgresCarts
from pasar.store_service.cart.redis import RedisCarts
from pasar.store_service.cart.service import CartService
from pasar.store_service.catalog.handler import CategoryHandler, ProductHandler
from pasar.store_service.catalog.postgres import PostgresCategories, PostgresProducts
from pasar.store_service.catalog.redis import RedisProducts
from pasar.store_service.catalog.service import CategoryService, ProductService
from pasar.store_service.config import StoreConfig
from pasar.store_service.orders.handler import OrderHandler
from pasar.store_service.orders.postgres import PostgresCheckouts
from pasar.store_service.orders.postgres_orders import PostgresOrders
from pasar.store_service.orders.redis import LockedCheckouts
from pasar.store_service.orders.repository import Checkouts
from pasar.store_service.orders.service import OrderService
from pasar.store_service.payments.consumer import PaymentResults
from pasar.store_service.payments.service import PaymentService
from pasar.store_service.stores.handler import StoreHandler
from pasar.store_service.stores.postgres import PostgresStores
from pasar.store_service.stores.service import StoreService


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a process of the store service is made of."""

    database: PostgresDatabase
    redis: Redis
    passwords: Passwords
    storage: Storage
    accounts: AccountService
    payment_results: PaymentResults
    handlers: tuple[object, ...]


async def build(config: StoreConfig, *, pool_size: int, wake: Callable[[], None]) -> Parts:
    """Connect the parts; returns also while the engines are away. `wake` rouses the relay."""
    ids, clock = TimeOrderedIds(), SystemClock()
    database = await PostgresDatabase.open(config.postgres(pool_size))
    redis = Redis.open(config.redis())

    passwords = Passwords(
        memory_kib=config.argon2_memory,
        passes=config.argon2_time,
        threads=config.argon2_threads,
        queue=config.argon2_queue,
    )
    issuer = Issuer(
        TokenSigner(config.jwt_secret),
        ids,
        clock,
        access_s=config.jwt_access_expiry,
        refresh_s=config.jwt_refresh_expiry,
    )
    users = PostgresUsers(database)
    accounts = AccountService(users, PostgresSessions(database), passwords, issuer, ids)

    storage = open_storage(config.storage())
    pictures = Pictures(config.images(), storage)

    stores = PostgresStores(database)
    products = RedisProducts(
        VersionedCache(redis, "pasar:product", config.product_cache_ttl), PostgresProducts(database)
    )
    carts = RedisCarts(
        VersionedCache(redis, "pasar:cart", config.cart_cache_ttl),
        PostgresCarts(database, config.cart_max_lines),
    )
    orders = PostgresOrders(database)
    checkouts: Checkouts = PostgresCheckouts(database, orders, ids, config.shop_currency)
    if config.stock_lock == "on":
        lock = CrowdLock(
            redis, "pasar:{stock}:", lease_s=config.stock_lock_lease, wait_s=config.stock_lock_wait
        )
        checkouts = LockedCheckouts(lock, carts, behind=checkouts)
    order_service = OrderService(checkouts, orders, carts, products, wake, ids)

    return Parts(
        database=database,
        redis=redis,
        passwords=passwords,
        storage=storage,
        accounts=accounts,
        payment_results=PaymentResults(
            PaymentService(database, order_service), [config.event_signing_key]
        ),
        handlers=(
            AccountHandler(accounts),
            StoreHandler(StoreService(database, stores, users, pictures, ids)),
            CategoryHandler(CategoryService(PostgresCategories(database), ids)),
            ProductHandler(ProductService(products, stores, pictures, ids)),
            CartHandler(CartService(carts)),
            OrderHandler(order_service),
        ),
    )
