"""An order, what a checkout asks for and gets, and the ways it can be refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

import msgspec

from pasar.kit.errors import Conflict, Forbidden, Invalid, NotFound, WrongState
from pasar.kit.money import Money
from pasar.store_service.catalog.model import ProductId
from pasar.store_service.identity import UserId
from pasar.store_service.stores.model import StoreId

OrderId = NewType("OrderId", UUID)


class Status(StrEnum):
    """Of an order and of each store's part of it."""

    PENDING = "pending"
    PAID = "paid"
    PROCESSING = "processing"
    SHIPPING = "shipping"
    SHIPPED = "shipped"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class Actor(StrEnum):
    """Who moves an order; `system` is a payment result."""

    BUYER = "buyer"
    SELLER = "seller"
    SYSTEM = "system"


class Item(msgspec.Struct, frozen=True):
    """`price` is the unit price charged, kept for ever."""

    id: UUID
    product_id: ProductId
    quantity: int
    price: Money

    @property
    def subtotal(self) -> Money:
        return self.price * self.quantity


class Payment(msgspec.Struct, frozen=True):
    """What the shop knows of the payment; the payment service knows better."""

    id: UUID
    order_id: OrderId
    method: str
    status: str
    amount: Money
    paid_at: datetime | None
    created_at: datetime


class Order(msgspec.Struct, frozen=True):
    """`items` by ascending product id; orders of the earlier service have no payment."""

    id: OrderId
    user_id: UserId
    status: Status
    total_amount: Money
    shipping_address: str
    items: tuple[Item, ...]
    payment: Payment | None
    created_at: datetime
    updated_at: datetime


class OrderPage(msgspec.Struct, frozen=True):
    """Some of a list's orders, and how many the list has in all."""

    orders: tuple[Order, ...]
    total: int


@dataclass(frozen=True, slots=True)
class HeldOrder:
    """What a decision needs of an order whose row is locked."""

    id: OrderId
    user_id: UserId
    status: Status
    total_amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A store's part moves from `before` to `after`; the order goes to `order_after` or stays."""

    order: HeldOrder
    store_id: StoreId
    before: Status
    after: Status
    order_after: Status


@dataclass(frozen=True, slots=True)
class Wish:
    """One press of the button. `expected_total`: order only if this is what it costs."""

    order_id: OrderId
    buyer: UserId
    shipping_address: str
    expected_total: Money | None
    request_id: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """A line of the cart as the attempt found it; `in_stock` is None if the product is gone."""

    product_id: ProductId
    quantity: int
    name: str
    in_stock: int | None


@dataclass(frozen=True, slots=True)
class Placed:
    """The order made, and which copies of the cart and of products are out of date by it."""

    order: Order
    cart_version: int
    product_versions: Mapping[ProductId, int]


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of a wish: an order, or else the lines and their total, which tell why not."""

    lines: tuple[Wanted, ...]
    total: Money
    placed: Placed | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The bank's last word on one order; `amount` is None if an earlier service sent it."""

    order_id: OrderId
    approved: bool
    payment_ref: str
    amount: Money | None
    message: str
    request_id: str = ""
    called_off: bool = False
    """Not refused, but never to be charged; then `amount` may be None as well."""


class Settlement(StrEnum):
    """What a verdict does to an order."""

    SETTLED = "settled"
    LATE = "late"
    """The order is cancelled and stays so; only the payment learns of it."""
    IGNORED = "ignored"
    CONTRADICTED = "contradicted"  # refused after it was paid: for a person to look at


@dataclass(frozen=True, slots=True)
class Settled:
    """`restocked`: products whose stock came back, with the version they reached."""

    settlement: Settlement
    restocked: Mapping[ProductId, int]


class CartIsEmpty(Invalid):
    def __init__(self) -> None:
        super().__init__("cart is empty")


class ProductGone(NotFound):
    def __init__(self, product_id: ProductId) -> None:
        super().__init__(f"product {product_id} not found")


class OutOfStock(Invalid):
    def __init__(self, name: str) -> None:
        super().__init__(f"insufficient stock for product {name}")


class OrderTotalTooLarge(Invalid):
    def __init__(self) -> None:
        super().__init__("order total too large")  # the largest DECIMAL(15,2) is smaller


class BadExpectedTotal(Invalid):
    def __init__(self) -> None:
        super().__init__("invalid expected_total", field="expected_total")


class TotalChanged(Conflict):
    """The cart costs something else than the client has shown to its buyer."""

    def __init__(self, total: Money) -> None:
        super().__init__(f"the total is now {total}", field="expected_total")


class OrderNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("order not found")


class NotOrderOwner(Forbidden):
    def __init__(self) -> None:
        super().__init__("forbidden")


class SellerWithoutStore(NotFound):
    def __init__(self) -> None:
        super().__init__("store not found")


class NotSellersOrder(Forbidden):
    def __init__(self) -> None:
        super().__init__("forbidden: no items from your store in this order")


class TooLateToCancel(WrongState):
    def __init__(self, furthest: Status) -> None:
        super().__init__(f"cannot cancel order with status {furthest}")


class NotYetOrNoLonger(WrongState):
    def __init__(self, current: Status) -> None:
        super().__init__(f"cannot transition from status {current}")


class NotTheNextStep(WrongState):
    def __init__(self, current: Status, wanted: str) -> None:
        super().__init__(f"invalid status transition from {current} to {wanted}")


class AmountMismatch(Exception):
    """A verdict about another amount than the order's: a forgery or a fault, never a settlement."""
