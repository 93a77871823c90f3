"""A product's picture: who may change it, and that exactly the files named by rows stay."""

import asyncio
from uuid import UUID

import pytest

from pasar.kit.ids import TimeOrderedIds
from pasar.kit.pictures import Upload
from pasar.kit.postgres import PostgresDatabase
from pasar.kit.redis import Redis
from pasar.kit.versioned_cache import VersionedCache
from pasar.store_service.catalog.model import (
    NoStoreYet,
    NotProductOwner,
    Product,
    ProductId,
    ProductNotFound,
)
from pasar.store_service.catalog.postgres import PostgresProducts
from pasar.store_service.catalog.redis import RedisProducts
from pasar.store_service.catalog.repository import Products
from pasar.store_service.catalog.service import ProductService
from pasar.store_service.identity import UserId
from pasar.store_service.stores.postgres import PostgresStores
from tests.fakes.catalog import MemoryProducts, NoSearch
from tests.fakes.images import picture
from tests.fakes.storage import MemoryStorage, pictures_in
from tests.store_service.shop import Shop, warm_up

CROWD = 60
UNKNOWN = ProductId(UUID(int=1))


async def send() -> Upload:
    return Upload("photo.webp", picture("WEBP"))


async def tell_nobody() -> None:
    """Take note of an edit for carts that are not there."""


async def never() -> Upload:
    raise AssertionError("the file was read")


@pytest.fixture
def shop(owner: PostgresDatabase) -> Shop:
    return Shop(owner)


@pytest.fixture
async def product(shop: Shop, database: PostgresDatabase) -> Product:
    """A product in PostgreSQL without picture."""
    return await PostgresProducts(database).get(await shop.product())


@pytest.fixture
async def seller(database: PostgresDatabase, product: Product) -> UserId:
    return (await PostgresStores(database).get(product.store_id)).user_id


@pytest.fixture(params=["memory", "postgres", "redis"])
def products(
    request: pytest.FixtureRequest, database: PostgresDatabase, redis: Redis, product: Product
) -> Products:
    if request.param == "memory":
        memory = MemoryProducts()
        memory.by_id[product.id] = product
        return memory
    real = PostgresProducts(database)
    if request.param == "redis":
        return RedisProducts(VersionedCache(redis, "test:product", 60), real, tell_nobody)
    return real


@pytest.fixture
def storage() -> MemoryStorage:
    return MemoryStorage()


@pytest.fixture
def service(database: PostgresDatabase, storage: MemoryStorage) -> ProductService:
    return ProductService(
        PostgresProducts(database),
        NoSearch(),
        PostgresStores(database),
        pictures_in(storage),
        TimeOrderedIds(),
    )


class TestProducts:
    async def test_a_picture_takes_the_place_of_the_one_before(
        self, products: Products, product: Product
    ) -> None:
        await products.get(product.id)
        first, nothing = await products.set_image(product.id, "products/1.png")
        seen = await products.get(product.id)
        second, replaced = await products.set_image(product.id, "products/2.png")

        assert (first.image_url, nothing) == ("products/1.png", "")
        assert (second.image_url, replaced) == ("products/2.png", "products/1.png")
        assert (first.version, second.version) == (product.version + 1, product.version + 2)
        assert second.updated_at > product.updated_at
        assert seen == first
        assert await products.get(product.id) == second

    async def test_an_unknown_product_is_not_found(self, products: Products) -> None:
        with pytest.raises(ProductNotFound):
            await products.set_image(UNKNOWN, "products/1.png")


async def test_of_simultaneous_pictures_each_replaces_another(
    database: PostgresDatabase, product: Product
) -> None:
    await warm_up(database)
    products = PostgresProducts(database)
    names = [f"products/{number}.png" for number in range(CROWD)]
    outcomes = await asyncio.gather(*(products.set_image(product.id, name) for name in names))
    last = await products.get(product.id)

    assert {replaced for _, replaced in outcomes} == {"", *names} - {last.image_url}
    assert last.version == product.version + CROWD


async def test_a_deleted_product_gets_no_picture(
    shop: Shop, database: PostgresDatabase, product: Product
) -> None:
    await shop.delete(product.id)

    with pytest.raises(ProductNotFound):
        await PostgresProducts(database).set_image(product.id, "products/1.png")


async def test_d17_a_new_picture_is_stored_and_the_old_file_goes(
    service: ProductService, storage: MemoryStorage, seller: UserId, product: Product
) -> None:
    await service.replace_image(seller, product.id, send)
    second = await service.replace_image(seller, product.id, send)

    assert second.image_url.startswith("products/")
    assert list(storage.files) == [second.image_url]


async def test_d17_nobody_elses_file_is_read(
    shop: Shop,
    database: PostgresDatabase,
    service: ProductService,
    seller: UserId,
    product: Product,
) -> None:
    other = (await PostgresStores(database).get(await shop.store())).user_id

    with pytest.raises(NoStoreYet, match="store not found for this user"):
        await service.replace_image(await shop.buyer(), UNKNOWN, never)
    with pytest.raises(ProductNotFound, match="product not found"):
        await service.replace_image(seller, UNKNOWN, never)
    with pytest.raises(NotProductOwner, match="forbidden: not product owner"):
        await service.replace_image(other, product.id, never)


async def test_a_product_deleted_while_its_picture_came_leaves_no_file(
    shop: Shop, service: ProductService, storage: MemoryStorage, seller: UserId, product: Product
) -> None:
    async def send_and_lose() -> Upload:
        await shop.delete(product.id)
        return await send()

    with pytest.raises(ProductNotFound):
        await service.replace_image(seller, product.id, send_and_lose)

    assert storage.files == {}
