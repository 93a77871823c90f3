"""Orders as JSON, in and out (contract sections 1.8 and 5)."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Final
from uuid import UUID

import msgspec

from pasar.store_service.orders.model import Item, Order, Payment
from pasar.store_service.web.fields import Body, PriceText, Rule, at_most, not_blank, required

_LONGEST_ADDRESS: Final = 4000  # characters; the contract asks for 2000 at least (D14)


class CheckoutBody(Body, frozen=True):
    shipping_address: str = ""
    expected_total: PriceText | None = None

    rules: ClassVar[Mapping[str, tuple[Rule, ...]]] = {
        "shipping_address": (not_blank, at_most(_LONGEST_ADDRESS))
    }


class UpdateStatusBody(Body, frozen=True):
    """What is no status is refused by the order's own rules, after whose order it is."""

    status: str = ""

    rules: ClassVar[Mapping[str, tuple[Rule, ...]]] = {"status": (required,)}


class OrderItemJson(msgspec.Struct, frozen=True):
    id: UUID
    product_id: UUID
    quantity: int
    price: str
    subtotal: str

    @classmethod
    def of(cls, item: Item) -> "OrderItemJson":
        return cls(
            id=item.id,
            product_id=item.product_id,
            quantity=item.quantity,
            price=str(item.price),
            subtotal=str(item.subtotal),
        )


class PaymentJson(msgspec.Struct, frozen=True):
    id: UUID
    order_id: UUID
    method: str
    status: str
    amount: str
    paid_at: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, payment: Payment) -> "PaymentJson":
        return cls(
            id=payment.id,
            order_id=payment.order_id,
            method=payment.method,
            status=payment.status,
            amount=str(payment.amount),
            paid_at=payment.paid_at,
            created_at=payment.created_at,
        )


class OrderJson(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    user_id: UUID
    status: str
    total_amount: str
    shipping_address: str
    items: list[OrderItemJson]
    payment: PaymentJson | msgspec.UnsetType = msgspec.UNSET
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, order: Order) -> "OrderJson":
        return cls(
            id=order.id,
            user_id=order.user_id,
            status=order.status.value,
            total_amount=str(order.total_amount),
            shipping_address=order.shipping_address,
            items=[OrderItemJson.of(item) for item in order.items],
            payment=PaymentJson.of(order.payment) if order.payment else msgspec.UNSET,
            created_at=order.created_at,
            updated_at=order.updated_at,
        )
