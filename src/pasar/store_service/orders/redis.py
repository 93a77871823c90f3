"""
The Redis mutex around checkouts: it calms the crowd on a product and guards nothing.

Whoever waits here occupies neither a database connection nor a row lock. Without Redis, or after
the longest wait, the checkout goes on without it; the statement CHECKOUT decides alone.
"""

from collections.abc import Sequence

from pasar.kit.lock import Lock
from pasar.store_service.cart.repository import CartCopies
from pasar.store_service.orders.model import Attempt, Wish
from pasar.store_service.orders.repository import BatchCheckouts


class LockedCheckouts:
    """Takes the products this process last saw in the carts; a wrong guess costs a moment."""

    def __init__(self, lock: Lock, carts: CartCopies, behind: BatchCheckouts) -> None:
        self.lock = lock
        self.carts = carts
        self.behind = behind

    async def place_all(self, wishes: Sequence[Wish]) -> Sequence[Attempt]:
        wanted = {str(product) for wish in wishes for product in self.carts.wanted(wish.buyer)}
        async with self.lock.hold(sorted(wanted)):
            return await self.behind.place_all(wishes)


_: type[BatchCheckouts] = LockedCheckouts
