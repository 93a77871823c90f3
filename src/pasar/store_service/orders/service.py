"""
The use cases of orders: the buyer's, the seller's, and what a payment result decides.

Whoever changes an order holds its row, so that changes of one order happen one after the other.
"""

import asyncio
from collections.abc import Sequence

from pasar.kit import log
from pasar.kit.database import Database, Tx
from pasar.kit.ids import Ids
from pasar.kit.money import Money
from pasar.store_service.cart.repository import CartCopies
from pasar.store_service.catalog.repository import ProductCopies
from pasar.store_service.identity import UserId
from pasar.store_service.orders.model import (
    NotOrderOwner,
    Order,
    OrderId,
    OrderNotFound,
    OrderPage,
    Settled,
    Settlement,
    TooLateToCancel,
    Verdict,
    Wish,
)
from pasar.store_service.orders.repository import Checkouts, OrderReads, Orders, Wake
from pasar.store_service.orders.rules import accepted, most_advanced, settlement, step
from pasar.store_service.stores.repository import Stores


class OrderService:
    def __init__(
        self,
        database: Database,
        checkouts: Checkouts,
        orders: Orders,
        reads: OrderReads,
        carts: CartCopies,
        products: ProductCopies,
        wake: Wake,
        ids: Ids,
    ) -> None:
        self.database = database
        self.checkouts = checkouts
        self.orders = orders
        self.reads = reads
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
        order_id = OrderId(self.ids.new())
        wish = Wish(order_id, buyer, address, expected_total, log.request_id.get())
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
        order = await self.reads.get(order_id)
        if order.user_id != buyer:
            raise NotOrderOwner
        return order

    async def page(self, buyer: UserId, limit: int, offset: int) -> OrderPage:
        """Return a page of the buyer's own orders, newest first."""
        return await self.reads.page_of_buyer(buyer, limit, offset)

    async def cancel(self, buyer: UserId, order_id: OrderId) -> None:
        """
        Cancel the buyer's own order while no part is past processing; its stock comes back once.

        Raises OrderNotFound, NotOrderOwner, TooLateToCancel.
        """
        async with self.database.begin() as tx:
            order = await self.orders.hold(tx, order_id)
            if order.user_id != buyer:
                raise NotOrderOwner
            if not await self.orders.cancel(tx, order):
                parts = await self.orders.parts(tx, order_id)
                raise TooLateToCancel(most_advanced(order.status, parts.values()))
            restocked = await self.orders.restock(tx, order_id)
        await self.products.drop(restocked)

    async def settle(self, tx: Tx, verdicts: Sequence[Verdict]) -> Sequence[Settled]:
        """
        Let payment results decide pending orders; a declined one gives the stock back.

        A refusal comes alone: the locks of several orders would meet at their products in any
        order. After the commit the caller hands the results to `refresh`. Raises OrderNotFound, and
        AmountMismatch for a result about another amount than the order's, for all of them together.
        """
        orders = await self.orders.hold_all(tx, [verdict.order_id for verdict in verdicts])
        if any(verdict.order_id not in orders for verdict in verdicts):
            raise OrderNotFound
        decided = [(verdict, settlement(orders[verdict.order_id], verdict)) for verdict in verdicts]
        telling = {Settlement.SETTLED, Settlement.LATE}
        if news := [verdict for verdict, decision in decided if decision in telling]:
            await self.orders.settle(tx, news)
        return [await self._settled(tx, *each) for each in decided]

    async def _settled(self, tx: Tx, verdict: Verdict, decision: Settlement) -> Settled:
        declined = decision is Settlement.SETTLED and not verdict.approved
        return Settled(
            decision,
            restocked=await self.orders.restock(tx, verdict.order_id) if declined else {},
        )

    async def refresh(self, settled: Settled) -> None:
        """Drop the copies of products whose stock came back, once that is committed."""
        if settled.restocked:
            await self.products.drop(settled.restocked)


class SellerOrderService:
    def __init__(
        self, database: Database, orders: Orders, reads: OrderReads, stores: Stores
    ) -> None:
        self.database = database
        self.orders = orders
        self.reads = reads
        self.stores = stores

    async def page(self, seller: UserId, limit: int, offset: int) -> OrderPage:
        """Return a page of the store's parts of orders, newest first. Raises SellerWithoutStore."""
        return await self.reads.page_of_seller(seller, limit, offset)

    async def move(self, seller: UserId, order_id: OrderId, wanted: str) -> None:
        """
        Move the own part one step on; the order follows when it was the least advanced.

        Raises:
            OrderNotFound, SellerWithoutStore: there is nothing to move, or nobody to move it.
            NotSellersOrder: none of its items is from the seller's store.
            NotYetOrNoLonger, NotTheNextStep: the part cannot go there.
        """
        store = await self.stores.find_of(seller)
        async with self.database.begin() as tx:
            order = await self.orders.hold(tx, order_id)
            parts = await self.orders.parts(tx, order_id)
            own = store.id if store else None
            await self.orders.move(tx, step(order, parts, own, wanted), seller)
