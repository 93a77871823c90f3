"""
What waits together goes together: checkouts in one statement and commit, what people see in one.

An idle process adds no delay: a batch is whatever arrived while the one before was under way.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final, TypeVar

from pasar.kit.batching import Batcher
from pasar.kit.errors import Unavailable
from pasar.store_service.identity import UserId
from pasar.store_service.orders.model import (
    Attempt,
    Order,
    OrderId,
    OrderNotFound,
    OrderPage,
    Wish,
)
from pasar.store_service.orders.repository import (
    BatchCheckouts,
    BatchReads,
    BuyersPage,
    Checkouts,
    OrderReads,
)

WantedT = TypeVar("WantedT")
FoundT = TypeVar("FoundT")

MOST_CARTS: Final = 64
"""Bounds the locks of a batch; batches of 32 have been measured (ADR 15)."""

MOST_READS: Final = 32
"""Orders or pages in one statement: some ms, which is how long the next ones wait at most."""

SHORT_PAGE: Final = 100
"""Orders to read or to skip; the usual page is the first ten."""


class CombiningCheckouts:
    """`is_joined` tells of a checkout that is part of a transaction; that one goes by itself."""

    def __init__(self, behind: BatchCheckouts, is_joined: Callable[[], bool]) -> None:
        self._behind = behind
        self._is_joined = is_joined
        self._batcher = Batcher(behind.place_all, most=MOST_CARTS)

    async def place(self, wish: Wish) -> Attempt:
        if self._is_joined():
            [attempt] = await self._behind.place_all([wish])
            return attempt
        return await self._batcher(wish)


class CombiningReads:
    """
    Single orders and short pages of buyers; what is rarer or takes longer goes by itself.

    Not for use within a transaction of somebody's: a batch sees what has been committed.
    """

    def __init__(self, behind: BatchReads) -> None:
        self._behind = behind
        self._orders = Batcher(partial(_of_all, behind.get_all), most=MOST_READS)
        self._pages = Batcher(partial(_of_all, behind.pages_of_buyers), most=MOST_READS)

    async def get(self, order_id: OrderId) -> Order:
        order = _told(await self._orders(order_id))
        if order is None:
            raise OrderNotFound
        return order

    async def page_of_buyer(self, buyer: UserId, limit: int, offset: int) -> OrderPage:
        if limit + offset > SHORT_PAGE:
            return await self._behind.page_of_buyer(buyer, limit, offset)
        return _told(await self._pages(BuyersPage(buyer, limit, offset)))

    async def page_of_seller(self, seller: UserId, limit: int, offset: int) -> OrderPage:
        return await self._behind.page_of_seller(seller, limit, offset)


async def _of_all(
    read: Callable[[Sequence[WantedT]], Awaitable[Sequence[FoundT]]], wanted: Sequence[WantedT]
) -> Sequence[FoundT | Unavailable]:
    """Read; a database that is away is nobody's fault, and is not asked again for each of them."""
    try:
        return await read(wanted)
    except Unavailable as fault:
        return [fault] * len(wanted)


def _told(found: FoundT | Unavailable) -> FoundT:
    if isinstance(found, Unavailable):
        raise Unavailable(reason=found.reason) from found
    return found


_: tuple[type[Checkouts], type[OrderReads]] = (CombiningCheckouts, CombiningReads)
