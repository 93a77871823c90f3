"""
Checkouts that wait together go together: one statement and one commit for many carts.

An idle process adds no delay: a batch is whatever arrived while the one before was committing.
"""

from pasar.kit.batching import Batcher
from pasar.store_service.orders.model import Attempt, Wish
from pasar.store_service.orders.repository import BatchCheckouts, Checkouts

MOST_CARTS = 64


class CombiningCheckouts:
    def __init__(self, behind: BatchCheckouts) -> None:
        self._batcher = Batcher(behind.place_all, most=MOST_CARTS)

    async def place(self, wish: Wish) -> Attempt:
        return await self._batcher(wish)


_: type[Checkouts] = CombiningCheckouts
