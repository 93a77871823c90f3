"""A cart, its lines, and the ways a change can be refused."""

from dataclasses import dataclass
from datetime import datetime

from pasar.kit.errors import Invalid, NotFound, PasarError, Unauthorized
from pasar.kit.money import Money
from pasar.store_service.catalog.model import ProductId
from pasar.store_service.identity import UserId


@dataclass(frozen=True, slots=True)
class Line:
    """One product of a cart, with its present name, price and picture (contract D25)."""

    product_id: ProductId
    name: str
    price: Money
    quantity: int
    image_url: str

    @property
    def subtotal(self) -> Money:
        return self.price * self.quantity


@dataclass(frozen=True, slots=True)
class Cart:
    """
    All lines in the order of first adding; `updated_at` is the last change, checkout included.

    `version` grows by one with each change and is 0 for a cart never used, whose `updated_at` is
    the account's creation (contract D24).
    """

    lines: tuple[Line, ...]
    updated_at: datetime
    version: int

    @property
    def total(self) -> Money:
        return sum((line.subtotal for line in self.lines), Money(0))


@dataclass(frozen=True, slots=True)
class Change:
    """What one buyer wants into the cart, or out of it."""

    buyer: UserId
    product_id: ProductId
    quantity: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one change among several: the cart it left, or why it was refused."""

    changed: Cart | None = None
    refusal: PasarError | None = None

    def cart(self) -> Cart:
        """Return the cart, or raise the refusal."""
        if self.changed is None:
            raise self.refusal or PasarError()
        return self.changed


class UnknownBuyer(Unauthorized):
    """A good token whose account is not in this database."""

    def __init__(self) -> None:
        super().__init__("invalid or expired token")


class BadProductId(Invalid):
    def __init__(self) -> None:
        super().__init__("invalid product_id", field="product_id")


class InsufficientStock(Invalid):
    """The line's resulting quantity is more than the product's present stock."""

    def __init__(self) -> None:
        super().__init__("insufficient stock")


class CartIsFull(Invalid):
    """A further line would exceed CART_MAX_LINES, which bounds the locks of a checkout."""

    def __init__(self) -> None:
        super().__init__("cart is full")


class ItemNotInCart(NotFound):
    def __init__(self) -> None:
        super().__init__("item not found in cart")
