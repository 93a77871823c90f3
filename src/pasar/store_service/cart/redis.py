"""
The fast copy of carts: reads ask Redis first, changes go to the database and then through to Redis.

A copy carries the cart's version and never replaces a newer one. It shows present product data
(contract D25): an edit of the catalogue makes a new mark, which is read together with the copy, and
so outdates every copy made before it. Without Redis every read is the database's. Besides, this
process remembers what it last saw in each cart, as a hint for checkout.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Collection
from typing import Final
from uuid import uuid4

import msgspec

from pasar.kit.versioned_cache import VersionedCache
from pasar.store_service.cart.model import Cart
from pasar.store_service.cart.repository import CartCopies, Carts
from pasar.store_service.catalog.model import ProductId
from pasar.store_service.identity import UserId

# With 20 lines each at 100 bytes a line, at most 20 MB. More lines than that make no better hint.
_REMEMBERED_CARTS: Final = 10_000
_REMEMBERED_LINES: Final = 20

# The mark stands beside the carts in their cache, where no buyer's id can be its key. It outlives
# every copy that was made before it: a day is longer than any CART_CACHE_TTL.
_EDITS: Final = "edits"
_EDITS_TTL_S: Final = 86_400

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(tuple[bytes | None, Cart]).decode


class RedisCarts:
    """Remembers the first products of at most `remembered` carts, those seen last."""

    def __init__(
        self, cache: VersionedCache, behind: Carts, *, remembered: int = _REMEMBERED_CARTS
    ) -> None:
        self.cache = cache
        self.behind = behind
        self.remembered = remembered
        self._edits: bytes | None = None  # the mark last seen here; none before the first edit
        self._seen: OrderedDict[UserId, tuple[ProductId, ...]] = OrderedDict()

    async def get(self, buyer: UserId) -> Cart:
        copy, self._edits = await self.cache.get_many([str(buyer), _EDITS])
        cart = _read(copy, self._edits)
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
        await self.cache.put(_EDITS, 0, uuid4().bytes, ttl_s=_EDITS_TTL_S)

    async def _keep(self, buyer: UserId, reading: Awaitable[Cart]) -> Cart:
        # The mark from before the reading: an edit meanwhile makes another one, and the copy is
        # never shown. One that this process has not seen yet costs a read more, no more.
        edits = self._edits
        cart = await reading
        self._remember(buyer, cart)
        await self.cache.put(str(buyer), cart.version, _encode((edits, cart)))
        return cart

    def _remember(self, buyer: UserId, cart: Cart) -> None:
        self._seen[buyer] = tuple(line.product_id for line in cart.lines[:_REMEMBERED_LINES])
        self._seen.move_to_end(buyer)
        if len(self._seen) > self.remembered:
            self._seen.popitem(last=False)


def _read(body: bytes | None, edits: bytes | None) -> Cart | None:
    if body is None:
        return None
    try:
        edits_before, cart = _decode(body)
    except msgspec.DecodeError:
        return None  # written by another release: read anew
    return cart if edits_before == edits else None


_: tuple[type[Carts], type[CartCopies]] = (RedisCarts, RedisCarts)
