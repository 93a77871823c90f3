"""
The Redis mutex around a checkout: it calms the crowd on a product and guards nothing.

Who waits here waits neither on a database connection nor on a row lock. Without Redis, or after the
longest wait, the checkout goes on without it; the statement CHECKOUT decides alone.
"""

from pasar.kit.lock import Lock
from pasar.store_service.cart.repository import CartCopies
from pasar.store_service.orders.model import Attempt, Wish
from pasar.store_service.orders.repository import Checkouts


class LockedCheckouts:
    """Takes the products this process last saw in the cart; a wrong guess costs a moment."""

    def __init__(self, lock: Lock, carts: CartCopies, behind: Checkouts) -> None:
        self.lock = lock
        self.carts = carts
        self.behind = behind

    async def place(self, wish: Wish) -> Attempt:
        wanted = self.carts.wanted(wish.buyer)
        async with self.lock.hold([str(product_id) for product_id in wanted]):
            return await self.behind.place(wish)


_: type[Checkouts] = LockedCheckouts
