"""
The ports of orders: where a cart becomes one, where they are kept and read, and who is told.

Methods that take a transaction join it. Unless said otherwise they raise kit.errors.Unavailable
when the database is away.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from pasar.kit.database import Tx
from pasar.store_service.catalog.model import ProductId
from pasar.store_service.identity import UserId
from pasar.store_service.orders.model import (
    Attempt,
    HeldOrder,
    Order,
    OrderId,
    OrderPage,
    Status,
    Step,
    Verdict,
    Wish,
)
from pasar.store_service.stores.model import StoreId


class Checkouts(Protocol):
    async def place(self, wish: Wish) -> Attempt:
        """
        Try to order the cart, wholly or not at all, in a transaction of its own.

        Of two wishes for one cart the second waits, then finds no lines. Unavailable means that no
        order was made, or that the database is gone and nobody can tell: OutcomeUnknown.
        """
        ...


class BatchCheckouts(Protocol):
    async def place_all(self, wishes: Sequence[Wish]) -> Sequence[Attempt]:
        """
        Try each wish as `Checkouts.place` does, in their order, as if one came after the other.

        Returns their attempts in that order. Unavailable means that none of the wishes made an
        order as far as anyone can tell.
        """
        ...


class OrderReads(Protocol):
    """Orders for show: nothing is decided by them. Pages are newest first."""

    async def get(self, order_id: OrderId) -> Order:
        """Return the order with items and payment, whoever owns it. Raises OrderNotFound."""
        ...

    async def page_of_buyer(self, buyer: UserId, limit: int, offset: int) -> OrderPage:
        """Return at most `limit` of the buyer's orders, after the first `offset`."""
        ...

    async def page_of_seller(self, seller: UserId, limit: int, offset: int) -> OrderPage:
        """
        Return orders with a part of the seller's store, each as if it were that part alone.

        Items, total, status and `updated_at` are the part's, the payment is left out. Raises
        SellerWithoutStore.
        """
        ...


class BuyersPage(NamedTuple):
    """Which page `OrderReads.page_of_buyer` is asked for."""

    buyer: UserId
    limit: int
    offset: int


class BatchReads(OrderReads, Protocol):
    async def get_all(self, wanted: Sequence[OrderId]) -> Sequence[Order | None]:
        """Return what `get` would for each; None where there is no such order."""
        ...

    async def pages_of_buyers(self, wanted: Sequence[BuyersPage]) -> Sequence[OrderPage]:
        """Return what `page_of_buyer` would for each."""
        ...


class Orders(Protocol):
    async def hold(self, tx: Tx, order_id: OrderId) -> HeldOrder:
        """Lock the order's row, before any other, and return its newest state, or OrderNotFound."""
        ...

    async def parts(self, tx: Tx, order_id: OrderId) -> Mapping[StoreId, Status]:
        """Return how far each store is; the order must be held. An order without items has none."""
        ...

    async def hold_all(self, tx: Tx, order_ids: Sequence[OrderId]) -> Mapping[OrderId, HeldOrder]:
        """Lock these orders' rows likewise, by ascending id; an unknown one is left out."""
        ...

    async def settle(self, tx: Tx, verdicts: Sequence[Verdict]) -> None:
        """
        Write the verdicts down where something is still pending, and nowhere else.

        A pending order and its parts become paid or cancelled, with a history row by the system; a
        pending payment becomes success or failed. The orders must be held, and verdicts on the same
        one agree.
        """
        ...

    async def cancel(self, tx: Tx, order: HeldOrder) -> bool:
        """
        Cancel the order and its parts for its buyer, with a history row; the order must be held.

        False, and nothing written, when it or one of its parts is past what a buyer may cancel.
        """
        ...

    async def move(self, tx: Tx, step: Step, seller: UserId) -> None:
        """
        Take the seller's step, with a history row for the part and one for the order if it moves.

        The order must be held since the step was judged.
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
