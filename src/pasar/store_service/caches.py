"""
The composition root's corner for what is kept in fast copies: carts, products, pages of the list.

PostgreSQL holds the truth of all of them; each kind of copy is an adapter of its own.
"""

from dataclasses import dataclass

from pasar.kit.clock import SystemClock
from pasar.kit.database import Database
from pasar.kit.redis import Redis
from pasar.kit.versioned_cache import VersionedCache
from pasar.store_service.cart.combining import CombiningCarts
from pasar.store_service.cart.postgres import PostgresCarts
from pasar.store_service.cart.redis import RedisCarts
from pasar.store_service.catalog.in_process import (
    InProcessProducts,
    InProcessSearch,
    in_process,
)
from pasar.store_service.catalog.postgres import PostgresProducts
from pasar.store_service.catalog.postgres_search import PostgresProductSearch
from pasar.store_service.catalog.redis import RedisProducts
from pasar.store_service.config import StoreConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Cached:
    """`shared`: the copies in Redis, which must `run` to mend what an outage left behind."""

    carts: RedisCarts
    products: InProcessProducts
    search: InProcessSearch
    shared: tuple[VersionedCache, ...]


def cached(config: StoreConfig, database: Database, redis: Redis) -> Cached:
    """Connect them. Carts are told of each edit: they show names, prices, pictures of products."""
    in_carts = VersionedCache(redis, "pasar:cart", config.cart_cache_ttl)
    prefix, ttl_s = "pasar:product", config.product_cache_ttl
    of_products = VersionedCache(redis, prefix, ttl_s)
    in_database = CombiningCarts(PostgresCarts(database, config.cart_max_lines))
    carts = RedisCarts(in_carts, behind=in_database)
    products, search = in_process(
        RedisProducts(of_products, behind=PostgresProducts(database), edited=carts.outdate),
        PostgresProductSearch(database, config.db_search_timeout),
        redis,
        prefix=prefix,
        ttl_s=ttl_s,
        clock=SystemClock(),
    )
    return Cached(carts=carts, products=products, search=search, shared=(in_carts, of_products))
