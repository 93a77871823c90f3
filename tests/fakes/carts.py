"""Carts in memory, over a shelf of products that a test changes at will."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

from pasar.kit.money import Money, parse_money
from pasar.store_service.cart.model import (
    Cart,
    CartIsFull,
    InsufficientStock,
    ItemNotInCart,
    Line,
)
from pasar.store_service.cart.repository import CartCopies, Carts
from pasar.store_service.catalog.model import ProductId, ProductNotFound
from pasar.store_service.identity import UserId
from pasar.store_service.stores.model import NewStore, StoreId
from tests.fakes.stores import MemoryStores
from tests.fakes.transaction import no_transaction


@dataclass
class Ware:
    name: str
    price: Money
    stock: int
    version: int = 1
    store: StoreId = field(default_factory=lambda: StoreId(uuid4()))


class MemoryShop:
    """The shelf, with the words of tests/store_service/shop.py."""

    def __init__(self) -> None:
        self.wares: dict[ProductId, Ware] = {}
        self.stores = MemoryStores()
        self.default_store: StoreId | None = None

    async def buyer(self) -> UserId:
        return UserId(uuid4())

    async def seller(self, store: StoreId) -> UserId:
        return next(each.user_id for each in self.stores.by_seller.values() if each.id == store)

    async def store(self) -> StoreId:
        new = NewStore(StoreId(uuid4()), UserId(uuid4()), "A store", "")
        async with no_transaction() as tx:
            return (await self.stores.insert(tx, new)).id

    async def product(
        self,
        *,
        stock: int = 10,
        price: str = "10",
        name: str = "Lamp",
        store: StoreId | None = None,
    ) -> ProductId:
        self.default_store = self.default_store or await self.store()
        product_id = ProductId(uuid4())
        self.wares[product_id] = Ware(
            name, parse_money(price) or Money(0), stock, store=store or self.default_store
        )
        return product_id

    async def delete(self, product_id: ProductId) -> None:
        del self.wares[product_id]

    async def reprice(self, product_id: ProductId, price: str) -> None:
        self.wares[product_id].price = parse_money(price) or Money(0)

    async def restock(self, product_id: ProductId, stock: int) -> None:
        self.wares[product_id].stock = stock

    async def stock(self, product_id: ProductId) -> int:
        return self.wares[product_id].stock


class MemoryCarts:
    """Also its own fast copy: `forgotten` lists what was to be dropped."""

    def __init__(self, wares: dict[ProductId, Ware], max_lines: int = 1000) -> None:
        self.wares = wares
        self.max_lines = max_lines
        self.lines: dict[UserId, dict[ProductId, int]] = {}
        self.versions: dict[UserId, int] = {}
        self.forgotten: list[tuple[UserId, int]] = []

    async def get(self, buyer: UserId) -> Cart:
        lines = tuple(
            Line(product_id, ware.name, ware.price, quantity, "")
            for product_id, quantity in self.lines.get(buyer, {}).items()
            if (ware := self.wares.get(product_id))
        )
        return Cart(lines, datetime.now(UTC), self.versions.get(buyer, 0))

    async def add(self, buyer: UserId, product_id: ProductId, quantity: int) -> Cart:
        lines = self.lines.setdefault(buyer, {})
        if product_id not in self.wares:
            raise ProductNotFound
        if len(lines.keys() - {product_id}) >= self.max_lines:
            raise CartIsFull
        if lines.get(product_id, 0) + quantity > self.wares[product_id].stock:
            raise InsufficientStock
        lines[product_id] = lines.get(product_id, 0) + quantity
        return await self._changed(buyer)

    async def set_quantity(self, buyer: UserId, product_id: ProductId, quantity: int) -> Cart:
        lines = self.lines.get(buyer, {})
        if product_id not in lines.keys() & self.wares.keys():
            raise ItemNotInCart
        if quantity > self.wares[product_id].stock:
            raise InsufficientStock
        lines[product_id] = quantity
        return await self._changed(buyer)

    async def remove(self, buyer: UserId, product_id: ProductId) -> Cart:
        if self.lines.get(buyer, {}).pop(product_id, None) is None:
            raise ItemNotInCart
        return await self._changed(buyer)

    async def empty(self, buyer: UserId) -> Cart:
        self.lines[buyer] = {}
        return await self._changed(buyer)

    def wanted(self, buyer: UserId) -> Collection[ProductId]:
        return tuple(self.lines.get(buyer, {}))

    async def forget(self, buyer: UserId, version: int) -> None:
        self.forgotten.append((buyer, version))

    async def _changed(self, buyer: UserId) -> Cart:
        self.versions[buyer] = self.versions.get(buyer, 0) + 1
        return await self.get(buyer)


_: tuple[type[Carts], type[CartCopies]] = (MemoryCarts, MemoryCarts)
