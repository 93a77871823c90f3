"""
The composition root of the store service: the one place that picks adapters and connects them.

What every process needs is in `core.py`; these are all parts, as a web process has them, which
`processes.py` starts and stops.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pasar.kit.idempotency import Once, PostgresOnce
from pasar.kit.pictures import Pictures
from pasar.kit.postgres import PostgresDatabase
from pasar.kit.redis import Redis
from pasar.kit.storage.port import Storage
from pasar.kit.versioned_cache import VersionedCache
from pasar.store_service.accounts.handler import AccountHandler, SessionHandler
from pasar.store_service.cart.handler import CartHandler
from pasar.store_service.cart.service import CartService
from pasar.store_service.catalog.handler import CategoryHandler, ProductHandler
from pasar.store_service.catalog.postgres import PostgresCategories
from pasar.store_service.catalog.service import CategoryService, ProductService
from pasar.store_service.config import StoreConfig
from pasar.store_service.core import open_core
from pasar.store_service.orders.handler import OrderHandler, SellerOrderHandler
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
    """What a web process of the store service is made of."""

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
    core = await open_core(config, pool_size=pool_size, wake=wake)
    database, ids, copies = core.database, core.ids, core.copies
    signing_in = sign_in(config, database, ids)
    pictures = Pictures(config.images(), core.storage)
    stores = PostgresStores(database)

    return Parts(
        database=core.postgres,
        redis=core.redis,
        storage=core.storage,
        copies=copies.shared,
        signing_in=signing_in,
        ordering=core.ordering,
        once=PostgresOnce(database, config.idempotency_ttl, committed=wake),
        handlers=(
            AccountHandler(signing_in.accounts),
            SessionHandler(signing_in.sessions),
            StoreHandler(StoreService(database, stores, signing_in.users, pictures, ids)),
            CategoryHandler(CategoryService(PostgresCategories(database), ids)),
            ProductHandler(ProductService(copies.products, copies.search, stores, pictures, ids)),
            CartHandler(CartService(copies.carts)),
            OrderHandler(core.ordering),
            SellerOrderHandler(SellerOrderService(database, core.orders, core.reads, stores)),
            ReviewHandler(ReviewService(PostgresReviews(database), ids)),
            TimelineHandler(TimelineService(PostgresTimelines(database))),
        ),
    )
