"""The use cases of orders: buy the cart, look at an order, let a payment result decide."""

import asyncio

from pasar.kit.database import Tx
from pasar.kit.ids import Ids
from pasar.kit.money import Money
from pasar.store_service.cart.repository import CartCopies
from pasar.store_service.catalog.repository import ProductCopies
from pasar.store_service.identity import UserId
from pasar.store_service.orders.model import (
    NotOrderOwner,
    Order,
    OrderId,
    Settled,
    Settlement,
    Verdict,
    Wish,
)
from pasar.store_service.orders.repository import Checkouts, Orders, Wake
from pasar.store_service.orders.rules import accepted, settlement


class OrderService:
    def __init__(
        self,
        checkouts: Checkouts,
        orders: Orders,
        carts: CartCopies,
        products: ProductCopies,
        wake: Wake,
        ids: Ids,
    ) -> None:
        self.checkouts = checkouts
        self.orders = orders
        self.carts = carts
        self.products = products
        self.wake = wake
        self.ids = ids

    async def checkout(self, buyer: UserId, address: str, expected_total: Money | None) -> Order:
        """
        Turn the buyer's cart into one pending order, wholly or not at all.

        Raises:
            CartIsEmpty: nothing to order, or another checkout came first.
            ProductGone, OutOfStock: the first line that cannot be served; the cart stays.
            OrderTotalTooLarge: more than the database can hold.
            TotalChanged: it costs something else than `expected_total`.
        """
        wish = Wish(OrderId(self.ids.new()), buyer, address, expected_total)
        placed = accepted(await self.checkouts.place(wish))
        self.wake()
        # Copies decide nothing and expire by themselves. All leave for Redis in one write, with the
        # release of the lock: the products first, since each of them starts a task of its own.
        await asyncio.gather(
            self.products.drop(placed.product_versions),
            self.carts.forget(buyer, placed.cart_version),
        )
        return placed.order

    async def get(self, buyer: UserId, order_id: OrderId) -> Order:
        """Return the buyer's own order. Raises OrderNotFound, NotOrderOwner."""
        order = await self.orders.get(order_id)
        if order.user_id != buyer:
            raise NotOrderOwner
        return order

    async def settle(self, tx: Tx, verdict: Verdict) -> Settled:
        """
        Let a payment result decide a pending order; a declined one gives the stock back.

        After the commit the caller hands the result to `refresh`. Raises OrderNotFound, and
        AmountMismatch for a result about another amount than the order's.
        """
        order = await self.orders.hold(tx, verdict.order_id)
        decision = settlement(order, verdict)
        if decision in {Settlement.SETTLED, Settlement.LATE}:
            await self.orders.settle(tx, verdict)
        declined = decision is Settlement.SETTLED and not verdict.approved
        return Settled(
            decision, restocked=await self.orders.restock(tx, order.id) if declined else {}
        )

    async def refresh(self, settled: Settled) -> None:
        """Drop the copies of products whose stock came back, once that is committed."""
        await self.products.drop(settled.restocked)
