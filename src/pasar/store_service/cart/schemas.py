"""The cart as JSON, in and out (contract sections 1.8 and 5)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, ClassVar, TypeAlias
from uuid import UUID

import msgspec

from pasar.store_service.cart.model import Cart, Line
from pasar.store_service.web.fields import Body, IdText, Rule, positive, required

# Wider than any stock, so that a too large amount is a shortage and no broken body.
Quantity: TypeAlias = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class AddItemBody(Body, frozen=True):
    product_id: IdText = ""
    quantity: Quantity = 0

    rules: ClassVar[Mapping[str, tuple[Rule, ...]]] = {
        "product_id": (required,),
        "quantity": (positive,),
    }


class UpdateItemBody(Body, frozen=True):
    quantity: Quantity = 0

    rules: ClassVar[Mapping[str, tuple[Rule, ...]]] = {"quantity": (positive,)}


class CartItemJson(msgspec.Struct, frozen=True):
    product_id: UUID
    name: str
    price: str
    quantity: int
    subtotal: str
    image_url: str

    @classmethod
    def of(cls, line: Line) -> "CartItemJson":
        return cls(
            product_id=line.product_id,
            name=line.name,
            price=str(line.price),
            quantity=line.quantity,
            subtotal=str(line.subtotal),
            image_url=line.image_url,
        )


class CartJson(msgspec.Struct, frozen=True):
    items: list[CartItemJson]
    total: str
    updated_at: datetime

    @classmethod
    def of(cls, cart: Cart) -> "CartJson":
        return cls(
            items=[CartItemJson.of(line) for line in cart.lines],
            total=str(cart.total),
            updated_at=cart.updated_at,
        )
