"""
The fast copy of carts: reads ask Redis first, changes go to the database and then through to Redis.

A copy carries the cart's version and never replaces a newer one. It shows present product data
(contract D25): an edit of the catalogue raises the cache's epoch, and so outdates every copy made
before it. Without Redis every read is the database's. Besides, this process remembers what it last
saw in each cart, as a hint for checkout.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Collection
from typing import Final

import msgspec

from pasar.kit.versioned_cache import VersionedCache
from pasar.store_service.cart.model import Cart
from pasar.store_service.cart.repository import CartCopies, Carts
from pasar.store_service.catalog.model import ProductId
from pasar.store_service.identity import UserId

# With 20 lines each at 100 bytes a line, at most 20 MB. More lines than that make no better hint.
_REMEMBERED_CARTS: Final = 10_000
_REMEMBERED_LINES: Final = 20

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Cart).decode


class RedisCarts:
    """Remembers the first products of at most `remembered` carts, those seen last."""

    def __init__(
        self, cache: VersionedCache, behind: Carts, *, remembered: int = _REMEMBERED_CARTS
    ) -> None:
        self.cache = cache
        self.behind = behind
        self.remembered = remembered
        self._seen: OrderedDict[UserId, tuple[ProductId, ...]] = OrderedDict()

    async def get(self, buyer: UserId) -> Cart:
        cart = _read(await self.cache.get(str(buyer)))
        if cart is None:
            return await self._keep(buyer, self.behind.get(buyer))
        self._remember(buyer, cart)
        return cart

    async def add(self, buyer: UserId, product_id: ProductId, quantity: int) -> Cart:
        return await self._keep(buyer, self.behind.add(buyer, product_id, quantity))

    async def set_quantity(self, buyer: UserId, product_id: ProductId, quantity: int) -> Cart:
        return await self._keep(buyer, self.behind.set_quantity(buyer, product_id, quantity))

    async def remove(self, buyer: UserId, product_id: ProductId) -> Cart:
        return await self._keep(buyer, self.behind.remove(buyer, product_id))

    def wanted(self, buyer: UserId) -> Collection[ProductId]:
        return self._seen.get(buyer, ())

    async def forget(self, buyer: UserId, version: int) -> None:
        self._seen.pop(buyer, None)
        await self.cache.drop(str(buyer), version)

    async def outdate(self) -> None:
        """Let no copy be shown that was read before now, as product data has changed."""
        await self.cache.outdate()

    async def _keep(self, buyer: UserId, reading: Awaitable[Cart]) -> Cart:
        # The epoch from before the reading: an edit meanwhile raises it, and the copy is never
        # shown. One that this process has not seen yet costs a read more, no more.
        epoch = self.cache.epoch
        cart = await reading
        self._remember(buyer, cart)
        await self.cache.put(str(buyer), cart.version, _encode(cart), epoch)
        return cart

    def _remember(self, buyer: UserId, cart: Cart) -> None:
        self._seen[buyer] = tuple(line.product_id for line in cart.lines[:_REMEMBERED_LINES])
        self._seen.move_to_end(buyer)
        if len(self._seen) > self.remembered:
            self._seen.popitem(last=False)


def _read(body: bytes | None) -> Cart | None:
    try:
        return None if body is None else _decode(body)
    except msgspec.DecodeError:
        return None  # written by another release: read anew


_: tuple[type[Carts], type[CartCopies]] = (RedisCarts, RedisCarts)
