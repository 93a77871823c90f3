"""Products in Redis: fast copies for show; whatever is missing there comes from behind."""

import asyncio
from collections.abc import Mapping

import msgspec

from pasar.kit.versioned_cache import VersionedCache
from pasar.store_service.catalog.model import NewProduct, Product, ProductId
from pasar.store_service.catalog.repository import ProductCopies, Products


class RedisProducts:
    """Products with fast copies; while Redis is away, those of `behind`."""

    def __init__(self, cache: VersionedCache, behind: Products) -> None:
        self.cache = cache
        self.behind = behind
        self.decoder = msgspec.msgpack.Decoder(Product)

    async def insert(self, new: NewProduct) -> Product:
        return await self.behind.insert(new)

    async def get(self, product_id: ProductId) -> Product:
        key = str(product_id)
        return self._read(await self.cache.get(key)) or await self._fill(key, product_id)

    async def set_image(self, product_id: ProductId, image_url: str) -> tuple[Product, str]:
        product, replaced = await self.behind.set_image(product_id, image_url)
        await self.drop({product_id: product.version})
        return product, replaced

    async def drop(self, versions: Mapping[ProductId, int]) -> None:
        drops = (
            self.cache.drop(str(product_id), version) for product_id, version in versions.items()
        )
        await asyncio.gather(*drops)

    async def _fill(self, key: str, product_id: ProductId) -> Product:
        product = await self.behind.get(product_id)
        # Refused by the cache when a sale overtook this read: the version tells.
        await self.cache.put(key, product.version, msgspec.msgpack.encode(product))
        return product

    def _read(self, body: bytes | None) -> Product | None:
        try:
            return None if body is None else self.decoder.decode(body)
        except msgspec.DecodeError:
            return None  # written by another release: read anew


_: tuple[type[Products], type[ProductCopies]] = (RedisProducts, RedisProducts)
