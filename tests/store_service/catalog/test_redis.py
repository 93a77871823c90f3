"""Fast copies of products: never wrong for long, never needed."""

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import pytest

from pasar.engines.ports import any_free
from pasar.engines.valkey_login import ValkeyLogin
from pasar.kit.money import Money
from pasar.kit.redis import Redis
from pasar.kit.versioned_cache import VersionedCache
from pasar.store_service.catalog.model import (
    CategoryId,
    NewProduct,
    Product,
    ProductEdit,
    ProductId,
    ProductNotFound,
)
from pasar.store_service.catalog.redis import RedisProducts
from pasar.store_service.stores.model import StoreId
from tests.fakes.catalog import MemoryProducts
from tests.fixtures.redis import settings_of

PRODUCT = ProductId(UUID(int=1))
CATEGORY = CategoryId(UUID(int=2))
KOPI = NewProduct(
    id=PRODUCT,
    store_id=StoreId(UUID(int=3)),
    category_id=CATEGORY,
    name="Kopi ☕",
    description="from Aceh",
    price=Money(450),
    stock=7,
)


class Shelf(MemoryProducts):
    """
    Products that can be sold, also in the very moment between reading one and returning it.

    `edits` counts what was told of them.
    """

    edits = 0
    copies: RedisProducts | None = None

    def sell(self, count: int) -> Product:
        before = self.by_id[PRODUCT]
        sold = replace(before, stock=before.stock - count, version=before.version + 1)
        self.by_id[PRODUCT] = sold
        return sold

    async def edit(self) -> None:
        self.edits += 1

    async def get(self, product_id: ProductId) -> Product:
        product = await super().get(product_id)
        if self.copies is not None:
            overtaking, self.copies = self.copies, None
            await overtaking.drop({PRODUCT: self.sell(1).version})
        return product


@pytest.fixture
def shelf() -> Shelf:
    return Shelf([CATEGORY])


@pytest.fixture
def cache(redis: Redis) -> VersionedCache:
    return VersionedCache(redis, "product", ttl_s=60)


@pytest.fixture
async def products(cache: VersionedCache, shelf: Shelf) -> RedisProducts:
    products = RedisProducts(cache, behind=shelf, edited=shelf.edit)
    await products.insert(KOPI)
    return products


@pytest.fixture
async def lonely_products(shelf: Shelf, valkey: ValkeyLogin) -> AsyncIterator[RedisProducts]:
    """Products whose Redis is away."""
    nowhere = replace(settings_of(valkey), port=any_free(valkey.host))
    client = Redis.open(nowhere)
    products = RedisProducts(
        VersionedCache(client, "product", ttl_s=60), behind=shelf, edited=shelf.edit
    )
    await products.insert(KOPI)
    yield products
    await client.close()


async def test_the_second_reader_gets_a_copy_equal_to_the_row(
    products: RedisProducts, shelf: Shelf
) -> None:
    first = await products.get(PRODUCT)
    second = await products.get(PRODUCT)

    assert first == second == shelf.by_id[PRODUCT]
    assert shelf.reads == 1


async def test_after_a_sale_the_row_is_read_anew_and_copied_again(
    products: RedisProducts, shelf: Shelf
) -> None:
    await products.get(PRODUCT)
    sold = shelf.sell(3)
    await products.drop({PRODUCT: sold.version})

    assert await products.get(PRODUCT) == sold
    assert await products.get(PRODUCT) == sold
    assert shelf.reads == 2


async def test_a_reader_overtaken_by_a_sale_leaves_no_old_copy(
    products: RedisProducts, shelf: Shelf
) -> None:
    shelf.copies = products
    overtaken = await products.get(PRODUCT)

    assert overtaken.stock == 7
    assert (await products.get(PRODUCT)).stock == 6


async def test_dropping_nothing_is_allowed(products: RedisProducts) -> None:
    await products.drop({})


async def test_a_copy_of_another_release_is_read_anew(
    products: RedisProducts, shelf: Shelf, cache: VersionedCache
) -> None:
    await cache.put(str(PRODUCT), 1, b"\x81\xa4name\xa4Kopi", cache.epoch)

    assert await products.get(PRODUCT) == shelf.by_id[PRODUCT]


async def test_an_unknown_product_is_not_remembered(products: RedisProducts, shelf: Shelf) -> None:
    kopi = shelf.by_id.pop(PRODUCT)
    with pytest.raises(ProductNotFound):
        await products.get(PRODUCT)
    shelf.by_id[PRODUCT] = kopi

    assert await products.get(PRODUCT) == kopi


async def test_without_redis_the_rows_are_read(
    lonely_products: RedisProducts, shelf: Shelf
) -> None:
    first = await lonely_products.get(PRODUCT)
    await lonely_products.drop({PRODUCT: shelf.sell(1).version})

    assert (first.stock, (await lonely_products.get(PRODUCT)).stock) == (7, 6)


async def test_after_an_edit_the_copy_is_gone_and_the_carts_are_told(
    products: RedisProducts, shelf: Shelf
) -> None:
    await products.get(PRODUCT)
    edited = await products.update(PRODUCT, ProductEdit(name="Teh"))

    assert await products.get(PRODUCT) == edited
    assert shelf.edits == 1


async def test_carts_are_told_of_a_new_picture(products: RedisProducts, shelf: Shelf) -> None:
    await products.set_image(PRODUCT, "products/1.png")

    assert shelf.edits == 1


async def test_a_deleted_product_is_not_shown_from_its_copy(
    products: RedisProducts, shelf: Shelf
) -> None:
    await products.get(PRODUCT)
    await products.hide(PRODUCT)

    with pytest.raises(ProductNotFound):
        await products.get(PRODUCT)
    assert await products.get_many([PRODUCT]) == []
    assert shelf.edits == 1


async def test_several_are_read_in_order_from_their_copies_and_the_others_at_once(
    products: RedisProducts, shelf: Shelf, redis: Redis
) -> None:
    second = ProductId(UUID(int=9))
    await products.insert(replace(KOPI, id=second))
    await products.get(PRODUCT)
    wanted = [second, ProductId(UUID(int=8)), PRODUCT]
    reads = shelf.reads
    first = await products.get_many(wanted)
    trips = redis.round_trips

    assert [product.id for product in first] == [second, PRODUCT]
    assert shelf.reads == reads + 1
    assert await products.get_many([second, PRODUCT]) == first
    assert (shelf.reads, redis.round_trips) == (reads + 1, trips + 1)


async def test_a_sale_tells_no_cart(products: RedisProducts, shelf: Shelf) -> None:
    await products.drop({PRODUCT: shelf.sell(1).version})

    assert shelf.edits == 0
