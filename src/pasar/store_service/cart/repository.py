"""The ports of the cart: where it is kept, and the fast copies of it that decide nothing."""

from collections.abc import Collection, Sequence
from typing import Protocol

from pasar.store_service.cart.model import Cart, Change, Outcome
from pasar.store_service.catalog.model import ProductId
from pasar.store_service.identity import UserId


class Carts(Protocol):
    """
    One cart per buyer, there from the start.

    Changes of one cart happen one after the other; each returns the cart as it left it, or one
    still newer. A refusal changes nothing. Every method raises kit.errors.Unavailable when the
    database is away; Redis being away costs time only.
    """

    async def get(self, buyer: UserId) -> Cart:
        """Return the buyer's cart. Raises UnknownBuyer."""
        ...

    async def add(self, buyer: UserId, product_id: ProductId, quantity: int) -> Cart:
        """
        Add to the product's line, which keeps its place, or open one at the end.

        Raises:
            UnknownBuyer: no such account.
            ProductNotFound: unknown or deleted.
            CartIsFull: it would be one line too many.
            InsufficientStock: the resulting quantity is above the stock of this moment.
        """
        ...

    async def set_quantity(self, buyer: UserId, product_id: ProductId, quantity: int) -> Cart:
        """
        Give the product's line this quantity, whatever it was; the line keeps its place.

        Raises ItemNotInCart, also for a deleted product, and InsufficientStock.
        """
        ...

    async def remove(self, buyer: UserId, product_id: ProductId) -> Cart:
        """Take the product's line out. Raises ItemNotInCart."""
        ...


class BatchCarts(Carts, Protocol):
    """
    Carts that take changes of several buyers at once, no buyer twice; outcomes come in their order.

    Each is judged as if alone. One that meets another change of its cart, or has no account, raises
    what it would alone, and then nothing is changed for anybody. Raises Contended, likewise, where
    somebody holds one of the carts for long, and OutcomeUnknown when nobody can know.
    """

    async def add_all(self, wanted: Sequence[Change]) -> Sequence[Outcome]:
        """Do for each what `add` does."""
        ...

    async def remove_all(self, wanted: Sequence[Change]) -> Sequence[Outcome]:
        """Do for each what `remove` does."""
        ...


class CartCopies(Protocol):
    """What is kept of carts outside the database. Never raises; decides nothing."""

    def wanted(self, buyer: UserId) -> Collection[ProductId]:
        """Return the products last seen here in the buyer's cart: a hint, often empty or old."""
        ...

    async def forget(self, buyer: UserId, version: int) -> None:
        """Drop the copy, and refuse any from before `version`, which the cart has reached."""
        ...
