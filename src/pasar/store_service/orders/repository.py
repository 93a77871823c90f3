"""
The ports of orders: where a cart becomes one, where they are kept, and who is told.

Methods that take a transaction join it. Unless said otherwise they raise kit.errors.Unavailable
when the database is away.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from pasar.kit.database import Tx
from pasar.store_service.catalog.model import ProductId
from pasar.store_service.orders.model import Attempt, HeldOrder, Order, OrderId, Verdict, Wish


class Checkouts(Protocol):
    async def place(self, wish: Wish) -> Attempt:
        """
        Try to order the cart, wholly or not at all, in a transaction of its own.

        Of two wishes for one cart the second waits, then finds no lines. Unavailable means that no
        order was made as far as anyone can tell: the database is away.
        """
        ...


class Orders(Protocol):
    async def get(self, order_id: OrderId) -> Order:
        """Return the order with items and payment, whoever owns it. Raises OrderNotFound."""
        ...

    async def hold(self, tx: Tx, order_id: OrderId) -> HeldOrder:
        """Lock the order's row, before any other, and return its newest state, or OrderNotFound."""
        ...

    async def settle(self, tx: Tx, verdict: Verdict) -> None:
        """
        Write the verdict down where something is still pending, and nowhere else.

        A pending order and its parts become paid or cancelled, with a history row by the system; a
        pending payment becomes success or failed. The order must be held.
        """
        ...

    async def restock(self, tx: Tx, order_id: OrderId) -> Mapping[ProductId, int]:
        """
        Give the order's units back, once however often asked; the order must be held.

        Return the products that got some and the version each has reached by it.
        """
        ...


Wake = Callable[[], None]
"""Tell the relay that the outbox holds something. Never fails; a lost call costs one poll."""
