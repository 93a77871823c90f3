"""What one process changes, another one shows at once; of what nobody changes nobody is asked."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import pytest

from pasar.engines.ports import any_free
from pasar.engines.valkey_login import ValkeyLogin
from pasar.kit.clock import SystemClock
from pasar.kit.money import Money
from pasar.kit.redis import Redis
from pasar.kit.versioned_cache import VersionedCache
from pasar.store_service.catalog.in_process import InProcessProducts, InProcessSearch, in_process
from pasar.store_service.catalog.model import (
    CategoryId,
    Found,
    NewProduct,
    ProductEdit,
    ProductFilter,
    ProductId,
    ProductNotFound,
)
from pasar.store_service.catalog.redis import RedisProducts
from pasar.store_service.stores.model import StoreId
from tests.fakes.catalog import MemoryProducts
from tests.fixtures.redis import settings_of

PREFIX = "pasar:product"
CATEGORY = CategoryId(UUID(int=2))
KOPI = NewProduct(
    id=ProductId(UUID(int=1)),
    store_id=StoreId(UUID(int=3)),
    category_id=CATEGORY,
    name="Kopi",
    description="from Aceh",
    price=Money(450),
    stock=7,
)
ALL = ProductFilter()


class Shelf(MemoryProducts):
    """The truth that all processes share; `searches` counts those that reached it."""

    searches = 0

    def sell(self) -> int:
        before = self.by_id[KOPI.id]
        self.by_id[KOPI.id] = replace(before, stock=before.stock - 1, version=before.version + 1)
        return before.version + 1

    async def find(self, wanted: ProductFilter, offset: int, limit: int) -> Found:
        self.searches += 1
        ids: Sequence[ProductId] = [
            each.id for each in self.by_id.values() if wanted.search in each.name
        ]
        return Found(ids[offset : offset + limit], len(ids))


@dataclass(frozen=True, slots=True)
class Process:
    """The catalogue of one web process."""

    products: InProcessProducts
    search: InProcessSearch
    redis: Redis

    async def name(self) -> str:
        return (await self.products.get(KOPI.id)).name

    async def stock(self) -> int:
        (product,) = await self.products.get_many([KOPI.id])
        return product.stock

    async def listed(self) -> int:
        return (await self.search.find(ALL, 0, 10)).total


async def nobody() -> None:
    """Tell no cart."""


def process(shelf: Shelf, redis: Redis) -> Process:
    shared = RedisProducts(VersionedCache(redis, PREFIX, 60), behind=shelf, edited=nobody)
    parts = in_process(shared, shelf, redis, prefix=PREFIX, ttl_s=60, clock=SystemClock())
    return Process(*parts, redis)


async def until(wanted: object, shown: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(10):
        while await shown() != wanted:
            await asyncio.sleep(0)


@pytest.fixture
async def shelf() -> Shelf:
    shelf = Shelf([CATEGORY])
    await shelf.insert(KOPI)
    return shelf


@pytest.fixture
async def processes(
    shelf: Shelf, redis: Redis, valkey: ValkeyLogin
) -> AsyncIterator[tuple[Process, Process]]:
    """Two processes that have seen the product and the list."""
    await redis.ping()  # which has flushed the server before
    pair = tuple(process(shelf, Redis.open(settings_of(valkey))) for _ in range(2))
    for each in pair:
        await each.redis.ping()
    for _ in range(3):
        for each in pair:
            await each.name()
            await each.listed()
    yield pair[0], pair[1]
    for each in pair:
        await each.redis.close()


async def test_a_product_seen_twice_is_asked_of_nobody(
    processes: tuple[Process, Process], shelf: Shelf
) -> None:
    one, _ = processes
    reads, searches, trips = shelf.reads, shelf.searches, one.redis.round_trips

    assert (await one.name(), await one.stock(), await one.listed()) == ("Kopi", 7, 1)
    assert (shelf.reads, shelf.searches) == (reads, searches)
    assert one.redis.round_trips == trips


async def test_an_edit_shows_here_at_once_and_elsewhere_in_a_moment(
    processes: tuple[Process, Process],
) -> None:
    one, other = processes
    await one.products.update(KOPI.id, ProductEdit(name="Teh"))

    assert await one.name() == "Teh"
    await until("Teh", other.name)


async def test_a_sale_shows_here_at_once_and_elsewhere_in_a_moment(
    processes: tuple[Process, Process], shelf: Shelf
) -> None:
    one, other = processes
    await one.products.drop({KOPI.id: shelf.sell()})

    assert await one.stock() == 6
    await until(6, other.stock)


async def test_a_new_product_is_listed_here_at_once_and_elsewhere_in_a_moment(
    processes: tuple[Process, Process],
) -> None:
    one, other = processes
    await one.products.insert(replace(KOPI, id=ProductId(UUID(int=9))))

    assert await one.listed() == 2
    await until(2, other.listed)


async def test_a_deleted_product_is_gone_from_product_and_list(
    processes: tuple[Process, Process],
) -> None:
    one, other = processes
    await one.products.hide(KOPI.id)

    for each in (one, other):
        await until(0, each.listed)
    with pytest.raises(ProductNotFound):
        await one.name()
    assert list(await one.products.get_many([KOPI.id])) == []


async def test_a_picture_shows_at_once(processes: tuple[Process, Process]) -> None:
    one, _ = processes
    await one.products.set_image(KOPI.id, "products/1.png")

    assert (await one.products.get(KOPI.id)).image_url == "products/1.png"


async def test_a_sale_leaves_the_lists_alone(
    processes: tuple[Process, Process], shelf: Shelf
) -> None:
    one, other = processes
    searches = shelf.searches
    await one.products.drop({KOPI.id: shelf.sell()})
    await until(6, other.stock)

    assert (await one.listed(), await other.listed(), shelf.searches) == (1, 1, searches)


async def test_what_concerns_all_products_outdates_everything(
    processes: tuple[Process, Process], shelf: Shelf, redis: Redis
) -> None:
    one, _ = processes
    searches = shelf.searches
    await redis.set(f"{PREFIX}-epoch", b"1")

    async def searched() -> bool:
        await one.listed()
        return shelf.searches > searches

    await until(True, searched)


async def test_pages_of_long_searches_are_not_kept(
    processes: tuple[Process, Process], shelf: Shelf
) -> None:
    one, _ = processes
    searches = shelf.searches
    for _ in range(2):
        await one.search.find(ProductFilter(search="x" * 101), 0, 10)

    assert shelf.searches == searches + 2


async def test_several_are_shown_in_order_some_of_them_from_here(
    processes: tuple[Process, Process],
) -> None:
    one, _ = processes
    second = ProductId(UUID(int=9))
    await one.products.insert(replace(KOPI, id=second))
    shown = await one.products.get_many([second, ProductId(UUID(int=8)), KOPI.id])

    assert [product.id for product in shown] == [second, KOPI.id]


async def test_without_redis_nothing_is_kept(shelf: Shelf, valkey: ValkeyLogin) -> None:
    alone = process(shelf, Redis.open(replace(settings_of(valkey), port=any_free(valkey.host))))
    assert (await alone.name(), await alone.listed()) == ("Kopi", 1)
    shelf.sell()
    await alone.products.insert(replace(KOPI, id=ProductId(UUID(int=9))))

    assert (await alone.stock(), await alone.listed()) == (6, 2)
    await alone.redis.close()
