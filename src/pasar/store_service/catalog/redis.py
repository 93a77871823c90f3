"""Products in Redis: fast copies for show; whatever is missing there comes from behind."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from pasar.kit.versioned_cache import Epoch, VersionedCache
from pasar.store_service.catalog.model import NewProduct, Product, ProductEdit, ProductId
from pasar.store_service.catalog.repository import ProductCopies, Products
from pasar.store_service.stores.model import StoreId

Edited = Callable[[], Awaitable[None]]
"""Told after each commit that changed a name, price or picture, or hid a product; never raises."""


class RedisProducts:
    """Products with fast copies; while Redis is away, those of `behind`."""

    def __init__(self, cache: VersionedCache, behind: Products, edited: Edited) -> None:
        self.cache = cache
        self.behind = behind
        self.edited = edited
        self.decoder = msgspec.msgpack.Decoder(Product)

    async def insert(self, new: NewProduct) -> Product:
        return await self.behind.insert(new)

    async def get(self, product_id: ProductId) -> Product:
        copy = self._read(await self.cache.get(str(product_id)))
        return copy or await self._fill(product_id)

    async def get_many(self, product_ids: Sequence[ProductId]) -> Sequence[Product]:
        bodies = await self.cache.get_many([str(product_id) for product_id in product_ids])
        copies = dict(zip(product_ids, map(self._read, bodies), strict=True))
        missing = [product_id for product_id, copy in copies.items() if copy is None]
        if missing:
            epoch = self.cache.epoch
            read = await self.behind.get_many(missing)
            await asyncio.gather(*(self._put(product, epoch) for product in read))
            copies |= {product.id: product for product in read}
        return [copy for copy in copies.values() if copy is not None]

    async def store_of(self, product_id: ProductId) -> StoreId:
        return await self.behind.store_of(product_id)

    async def update(self, product_id: ProductId, edit: ProductEdit) -> Product:
        product = await self.behind.update(product_id, edit)
        await asyncio.gather(self.drop({product_id: product.version}), self.edited())
        return product

    async def set_image(self, product_id: ProductId, image_url: str) -> tuple[Product, str]:
        product, replaced = await self.behind.set_image(product_id, image_url)
        await asyncio.gather(self.drop({product_id: product.version}), self.edited())
        return product, replaced

    async def hide(self, product_id: ProductId) -> int:
        version = await self.behind.hide(product_id)
        await asyncio.gather(self.drop({product_id: version}), self.edited())
        return version

    async def clear_from_carts(self, product_id: ProductId) -> None:
        await self.behind.clear_from_carts(product_id)

    async def drop(self, versions: Mapping[ProductId, int]) -> None:
        drops = (
            self.cache.drop(str(product_id), version) for product_id, version in versions.items()
        )
        await asyncio.gather(*drops)

    async def _fill(self, product_id: ProductId) -> Product:
        epoch = self.cache.epoch
        product = await self.behind.get(product_id)
        await self._put(product, epoch)
        return product

    async def _put(self, product: Product, epoch: Epoch) -> None:
        # Refused by the cache when a sale overtook the reading: the version tells.
        body = msgspec.msgpack.encode(product)
        await self.cache.put(str(product.id), product.version, body, epoch)

    def _read(self, body: bytes | None) -> Product | None:
        try:
            return None if body is None else self.decoder.decode(body)
        except msgspec.DecodeError:
            return None  # written by another release: read anew


_: tuple[type[Products], type[ProductCopies]] = (RedisProducts, RedisProducts)
