"""
The composition root of the store service: the one place that picks adapters and connects them.

Every process of the service is made of these parts; `processes.py` starts and stops them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pasar.kit.clock import SystemClock
from pasar.kit.database import Database
from pasar.kit.ids import Ids, TimeOrderedIds
from pasar.kit.lock import CrowdLock
from pasar.kit.passwords import Passwords
from pasar.kit.postgres import PostgresDatabase
from pasar.kit.redis import Redis
from pasar.kit.tokens import TokenSigner, TokenVerifier
from pasar.kit.versioned_cache import VersionedCache
from pasar.store_service.accounts.handler import AccountHandler, SessionHandler
from pasar.store_service.accounts.in_process import LiveTokens
from pasar.store_service.accounts.postgres import PostgresLoginWindows, PostgresUsers
from pasar.store_service.accounts.postgres_sessions import PostgresSessions
from pasar.store_service.accounts.repository import Users
from pasar.store_service.accounts.rules import STRONG_PASSWORD_BYTES
from pasar.store_service.accounts.service import AccountService
from pasar.store_service.accounts.sessions import Issuer, SessionService
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

ANY_NUMBER: Final = 2**31 - 1  # a window of this many failed logins is as good as none


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a process of the store service is made of."""

    database: PostgresDatabase
    redis: Redis
    passwords: Passwords
    accounts: AccountService
    live_tokens: LiveTokens
    payment_results: PaymentResults
    handlers: tuple[object, ...]


async def build(config: StoreConfig, *, pool_size: int, wake: Callable[[], None]) -> Parts:
    """Connect the parts; returns also while the engines are away. `wake` rouses the relay."""
    ids = TimeOrderedIds()
    database = await PostgresDatabase.open(config.postgres(pool_size))
    redis = Redis.open(config.redis())

    passwords = Passwords(
        memory_kib=config.argon2_memory,
        passes=config.argon2_time,
        threads=config.argon2_threads,
        queue=config.argon2_queue,
    )
    users = PostgresUsers(database)
    accounts, sessions, live_tokens = _identity(config, database, users, passwords, ids)

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
        accounts=accounts,
        live_tokens=live_tokens,
        payment_results=PaymentResults(
            PaymentService(database, order_service), [config.event_signing_key]
        ),
        handlers=(
            AccountHandler(accounts),
            SessionHandler(sessions),
            StoreHandler(StoreService(database, stores, users, ids)),
            CategoryHandler(CategoryService(PostgresCategories(database), ids)),
            ProductHandler(ProductService(products, stores, ids)),
            CartHandler(CartService(carts)),
            OrderHandler(order_service),
        ),
    )


def _identity(
    config: StoreConfig, database: Database, users: Users, passwords: Passwords, ids: Ids
) -> tuple[AccountService, SessionService, LiveTokens]:
    """Connect what opens sessions, what renews and ends them, and what knows the ended ones."""
    rows = PostgresSessions(database)
    access_s, refresh_s = config.jwt_access_expiry, config.jwt_refresh_expiry
    signer = TokenSigner(config.jwt_secret)
    verifier = TokenVerifier(config.jwt_secret, config.jwt_secret_previous)
    issuer = Issuer(signer, ids, SystemClock(), access_s=access_s, refresh_s=refresh_s)
    failures = config.login_account_limit or ANY_NUMBER
    windows = PostgresLoginWindows(database, limit=failures, window_s=config.login_account_window)
    strong = STRONG_PASSWORD_BYTES if config.app_env == "production" else 0
    accounts = AccountService(
        users,
        rows,
        windows,
        passwords,
        issuer,
        ids,
        password_min=max(config.password_min, strong),
        tries_at_once=max(1, failures // config.web_processes()),
    )
    rotate, grace_s = config.jwt_refresh_rotation, config.jwt_refresh_grace
    sessions = SessionService(users, rows, issuer, verifier, rotate=rotate, grace_s=grace_s)
    return (
        accounts,
        sessions,
        LiveTokens(verifier, rows, access_s=access_s, poll_s=config.session_poll),
    )
