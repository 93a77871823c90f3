"""
The catalogue as this process has seen it lately: products, and pages of the list as ids.

For show only. Redis tells of every change that any process makes (`kit/tracked_copies.py`); while
it does not, and for what is not here, those behind are asked. Prices and stock are decided by none
of this.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

from pasar.kit.clock import Clock
from pasar.kit.ids import parse_id
from pasar.kit.redis import Redis, RedisUnavailable
from pasar.kit.tracked_copies import TrackedCopies
from pasar.store_service.catalog.model import (
    Found,
    NewProduct,
    Product,
    ProductEdit,
    ProductFilter,
    ProductId,
)
from pasar.store_service.catalog.repository import CopiedProducts, ProductSearch
from pasar.store_service.stores.model import StoreId

MOST_PRODUCTS: Final = 2000
MOST_PAGES: Final = 2000  # of at most 100 ids, 10 kB
# Longer ones are rare, and are read from Redis; so the products here take 64 MB at the very worst.
_LONGEST_DESCRIPTION: Final = 4000
_LONGEST_SEARCH: Final = 100

_LISTED: Final = "-list"
_MARK_TTL_MS: Final = 60_000  # its writing is what is told; nobody reads it

Copies = TrackedCopies[ProductId, Product]
Pages = TrackedCopies[tuple[ProductFilter, int, int], Found]
Altered = Callable[[], Awaitable[None]]
"""Told after each commit that may have changed which products are listed where; never raises."""


class InProcessProducts:
    """Drops its own copies at once; `behind` drops the shared ones, of which Redis then tells."""

    def __init__(self, copies: Copies, behind: CopiedProducts, altered: Altered) -> None:
        self.copies = copies
        self.behind = behind
        self.altered = altered

    async def insert(self, new: NewProduct) -> Product:
        product = await self.behind.insert(new)
        await self.altered()
        return product

    async def get(self, product_id: ProductId) -> Product:
        copy = self.copies.get(product_id)
        if copy is not None:
            return copy
        with self.copies.reading([product_id]) as keep:
            product = await self.behind.get(product_id)
            _keep(keep, product)
        return product

    async def get_many(self, product_ids: Sequence[ProductId]) -> Sequence[Product]:
        copies = [self.copies.get(product_id) for product_id in product_ids]
        found = [copy for copy in copies if copy is not None]
        if len(found) == len(product_ids):
            return found
        by_id = {product.id: product for product in found}
        missing = [product_id for product_id in product_ids if product_id not in by_id]
        with self.copies.reading(missing) as keep:
            for product in await self.behind.get_many(missing):
                by_id[product.id] = product
                _keep(keep, product)
        return [by_id[product_id] for product_id in product_ids if product_id in by_id]

    async def store_of(self, product_id: ProductId) -> StoreId:
        return await self.behind.store_of(product_id)

    async def update(self, product_id: ProductId, edit: ProductEdit) -> Product:
        product = await self.behind.update(product_id, edit)
        await self._changed(product_id)
        return product

    async def set_image(self, product_id: ProductId, image_url: str) -> tuple[Product, str]:
        changed = await self.behind.set_image(product_id, image_url)
        self.copies.drop(product_id)
        return changed

    async def hide(self, product_id: ProductId) -> int:
        version = await self.behind.hide(product_id)
        await self._changed(product_id)
        return version

    async def clear_from_carts(self, product_id: ProductId) -> None:
        await self.behind.clear_from_carts(product_id)

    async def drop(self, versions: Mapping[ProductId, int]) -> None:
        for product_id in versions:
            self.copies.drop(product_id)
        await self.behind.drop(versions)

    async def _changed(self, product_id: ProductId) -> None:
        self.copies.drop(product_id)
        await self.altered()


class InProcessSearch:
    """Pages of product ids; `redis` tells the other processes when they are out of date."""

    def __init__(self, pages: Pages, behind: ProductSearch, redis: Redis, prefix: str) -> None:
        self.pages = pages
        self.behind = behind
        self.redis = redis
        self.mark = f"{prefix}{_LISTED}"

    async def find(self, wanted: ProductFilter, offset: int, limit: int) -> Found:
        page = (wanted, offset, limit)
        found = self.pages.get(page)
        if found is not None:
            return found
        with self.pages.reading([page]) as keep:
            found = await self.behind.find(wanted, offset, limit)
            if len(wanted.search) <= _LONGEST_SEARCH:
                keep(page, found)
        return found

    async def outdate(self) -> None:
        """Let no page be shown that was read before now, here or in another process."""
        self.pages.clear()
        # A process that cannot be told has lost Redis and its copies too, or keeps them their time.
        with suppress(RedisUnavailable):
            await self.redis.set(self.mark, b"", px=_MARK_TTL_MS)


def in_process(
    products: CopiedProducts,
    search: ProductSearch,
    redis: Redis,
    *,
    prefix: str,
    ttl_s: float,
    clock: Clock,
) -> tuple[InProcessProducts, InProcessSearch]:
    """Put copies before both; `prefix` is that of the products' shared copies in `redis`."""
    copies: Copies = TrackedCopies(redis.tracking, clock, most=MOST_PRODUCTS, ttl_s=ttl_s)
    pages: Pages = TrackedCopies(redis.tracking, clock, most=MOST_PAGES, ttl_s=ttl_s)
    redis.tracking.watch(prefix, partial(_changed, copies, pages))
    searching = InProcessSearch(pages, search, redis, prefix)
    return InProcessProducts(copies, products, altered=searching.outdate), searching


def _changed(copies: Copies, pages: Pages, key: str | None) -> None:
    if key == _LISTED:
        pages.clear()
    elif key is not None and (product_id := parse_id(key.removeprefix(":"))):
        copies.drop(ProductId(product_id))
    else:  # it concerns all
        copies.clear()
        pages.clear()


def _keep(keep: Callable[[ProductId, Product], None], product: Product) -> None:
    if len(product.description) <= _LONGEST_DESCRIPTION:
        keep(product.id, product)


_: tuple[type[CopiedProducts], type[ProductSearch]] = (InProcessProducts, InProcessSearch)
