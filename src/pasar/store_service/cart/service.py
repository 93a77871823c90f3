"""The use cases of the cart. Each is one statement, so no transaction is opened here."""

from pasar.store_service.cart.model import Cart
from pasar.store_service.cart.repository import Carts
from pasar.store_service.catalog.model import ProductId
from pasar.store_service.identity import UserId


class CartService:
    def __init__(self, carts: Carts) -> None:
        self.carts = carts

    async def get(self, buyer: UserId) -> Cart:
        """Return the buyer's cart with present product data."""
        return await self.carts.get(buyer)

    async def add(self, buyer: UserId, product_id: ProductId, quantity: int) -> Cart:
        """Add `quantity` units. Raises ProductNotFound, CartIsFull, InsufficientStock."""
        return await self.carts.add(buyer, product_id, quantity)

    async def set_quantity(self, buyer: UserId, product_id: ProductId, quantity: int) -> Cart:
        """Have `quantity` units instead of so many. Raises ItemNotInCart, InsufficientStock."""
        return await self.carts.set_quantity(buyer, product_id, quantity)

    async def remove(self, buyer: UserId, product_id: ProductId) -> Cart:
        """Take one product out. Raises ItemNotInCart."""
        return await self.carts.remove(buyer, product_id)
