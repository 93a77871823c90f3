"""Checkout in memory: the cart, the shelf and the orders change together or not at all."""

from datetime import UTC, datetime
from uuid import uuid4

from pasar.kit.money import Money
from pasar.store_service.catalog.model import ProductId
from pasar.store_service.orders.model import (
    Attempt,
    Item,
    Order,
    Payment,
    Placed,
    Status,
    Wanted,
    Wish,
)
from pasar.store_service.orders.repository import BatchCheckouts, Checkouts
from pasar.store_service.orders.rules import LARGEST_TOTAL
from tests.fakes.carts import MemoryCarts
from tests.fakes.orders import MemoryOrders


class OneByOne:
    """Checkouts that are not combined: each on its own, and as many at once as are asked for."""

    def __init__(self, behind: BatchCheckouts) -> None:
        self.behind = behind

    async def place(self, wish: Wish) -> Attempt:
        [attempt] = await self.behind.place_all([wish])
        return attempt


class MemoryCheckouts:
    def __init__(self, carts: MemoryCarts, orders: MemoryOrders) -> None:
        self.carts = carts
        self.orders = orders

    async def place(self, wish: Wish) -> Attempt:
        lines = self._lines(wish)
        total = sum((self._price(line) * line.quantity for line in lines), Money(0))
        served = all(line.in_stock is not None and line.in_stock >= line.quantity for line in lines)
        wanted = wish.expected_total in {None, total}
        if not (lines and served and wanted and total <= LARGEST_TOTAL):
            return Attempt(lines, total, None)
        order = self._order(wish, lines, total)
        self.orders.by_id[order.id] = order
        cart = await self.carts.empty(wish.buyer)
        return Attempt(lines, total, Placed(order, cart.version, self._sold(lines)))

    def _lines(self, wish: Wish) -> tuple[Wanted, ...]:
        found = []
        for product_id, quantity in sorted(self.carts.lines.get(wish.buyer, {}).items()):
            ware = self.carts.wares.get(product_id)
            name, in_stock = (ware.name, ware.stock) if ware else ("", None)
            found.append(Wanted(product_id, quantity, name, in_stock))
        return tuple(found)

    def _price(self, line: Wanted) -> Money:
        ware = self.carts.wares.get(line.product_id)
        return ware.price if ware else Money(0)

    def _sold(self, lines: tuple[Wanted, ...]) -> dict[ProductId, int]:
        for line in lines:
            ware = self.carts.wares[line.product_id]
            ware.stock -= line.quantity
            ware.version += 1
        return {line.product_id: self.carts.wares[line.product_id].version for line in lines}

    def _order(self, wish: Wish, lines: tuple[Wanted, ...], total: Money) -> Order:
        now = datetime.now(UTC)
        return Order(
            id=wish.order_id,
            user_id=wish.buyer,
            status=Status.PENDING,
            total_amount=total,
            shipping_address=wish.shipping_address,
            items=tuple(
                Item(uuid4(), line.product_id, line.quantity, self._price(line)) for line in lines
            ),
            payment=Payment(uuid4(), wish.order_id, "mock", "pending", total, None, now),
            created_at=now,
            updated_at=now,
        )


_: tuple[type[Checkouts], ...] = (OneByOne, MemoryCheckouts)
