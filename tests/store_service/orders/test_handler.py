"""Orders as clients see them."""

from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID

import msgspec
import pytest

from pasar.kit.errors import InvalidFields
from pasar.kit.money import Money
from pasar.store_service.catalog.model import ProductId
from pasar.store_service.identity import Identity, Role, UserId
from pasar.store_service.orders.handler import OrderHandler, SellerOrderHandler
from pasar.store_service.orders.model import (
    BadExpectedTotal,
    Item,
    Order,
    OrderId,
    Payment,
    Status,
    TotalChanged,
)
from pasar.store_service.orders.schemas import CheckoutBody, OrderJson, UpdateStatusBody
from pasar.store_service.web.fields import check
from pasar.store_service.web.route import Call, Page
from tests.store_service.orders.test_service import World

BodyT = TypeVar("BodyT")

ORDER_ID = OrderId(UUID(int=1))
THEN = datetime(2026, 1, 2, 3, 4, 5, 670_000, tzinfo=UTC)
PAYMENT = Payment(UUID(int=4), ORDER_ID, "mock", "pending", Money(2100), None, THEN)
ORDER = Order(
    id=ORDER_ID,
    user_id=UserId(UUID(int=2)),
    status=Status.PENDING,
    total_amount=Money(2100),
    shipping_address="Jalan Pasar 1",
    items=(Item(UUID(int=3), ProductId(UUID(int=5)), 2, Money(1050)),),
    payment=PAYMENT,
    created_at=THEN,
    updated_at=THEN,
)


def test_an_order_has_the_members_of_the_contract() -> None:
    assert msgspec.to_builtins(OrderJson.of(ORDER)) == {
        "id": str(ORDER_ID),
        "user_id": str(ORDER.user_id),
        "status": "pending",
        "total_amount": "21",
        "shipping_address": "Jalan Pasar 1",
        "items": [
            {
                "id": str(UUID(int=3)),
                "product_id": str(UUID(int=5)),
                "quantity": 2,
                "price": "10.5",
                "subtotal": "21",
            }
        ],
        "payment": {
            "id": str(PAYMENT.id),
            "order_id": str(ORDER_ID),
            "method": "mock",
            "status": "pending",
            "amount": "21",
            "paid_at": None,
            "created_at": "2026-01-02T03:04:05.670000Z",
        },
        "created_at": "2026-01-02T03:04:05.670000Z",
        "updated_at": "2026-01-02T03:04:05.670000Z",
    }


def test_an_order_of_the_earlier_service_has_no_payment_member() -> None:
    old = msgspec.to_builtins(OrderJson.of(msgspec.structs.replace(ORDER, payment=None)))

    assert "payment" not in old


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("", "is required"),
        (" \n", "is required"),
        ("x" * 4001, "maximum 4000 characters"),
        ("a\0b", "contains invalid characters"),
    ],
)
def test_the_rules_of_an_address(address: str, sentence: str) -> None:
    with pytest.raises(InvalidFields) as refusal:
        check(CheckoutBody(shipping_address=address))

    assert [(fault.field, fault.message) for fault in refusal.value.faults] == [
        ("shipping_address", sentence)
    ]


async def test_a_checkout_may_name_the_total_it_expects() -> None:
    world = World()
    handler = OrderHandler(world.orders)
    buyer, lamp = await world.shop.buyer(), await world.shop.product(price="10.50")
    caller = Identity(buyer, "buyer@example.com", Role.BUYER)
    await world.carts.add(buyer, lamp, 2)

    def call(expected_total: str | None) -> Call[CheckoutBody]:
        body = CheckoutBody(shipping_address="Jalan Pasar 1", expected_total=expected_total)
        return Call(identity=caller, path_id=None, query={}, body=body, address="127.0.0.1")

    for unreadable in ("", "ten", "-1"):
        with pytest.raises(BadExpectedTotal):
            await handler.checkout(call(unreadable))
    with pytest.raises(TotalChanged, match=r"21$"):
        await handler.checkout(call("20"))
    order = await handler.checkout(call("21.00"))
    read = await handler.get(
        Call(identity=caller, path_id=order.id, query={}, body=None, address="127.0.0.1")
    )

    assert read == order


def test_a_status_is_demanded_and_otherwise_judged_later() -> None:
    with pytest.raises(InvalidFields) as refusal:
        check(UpdateStatusBody())
    check(UpdateStatusBody(status="nonsense"))

    assert [(fault.field, fault.message) for fault in refusal.value.faults] == [
        ("status", "is required")
    ]


async def test_lists_and_messages_of_both_sides() -> None:
    """The pages count alike; each change answers with its sentence."""
    world = World()
    buyers, sellers = OrderHandler(world.orders), SellerOrderHandler(world.sellers)
    first, second = await world.order(), await world.order()
    await world.settle(second, approved=True)
    (seller,) = world.shop.stores.by_seller

    def call(user_id: UserId, body: BodyT, order: Order | None = None) -> Call[BodyT]:
        return Call(
            identity=Identity(user_id, "x@example.com", Role.BUYER),
            path_id=order.id if order else None,
            query={"page": "2", "per_page": "1"},
            body=body,
            address="127.0.0.1",
        )

    cancelled = await buyers.cancel(call(first.user_id, None, first))
    moved = await sellers.move(call(seller, UpdateStatusBody(status="processing"), second))
    own = await buyers.page(call(first.user_id, None))
    sold = await sellers.page(call(seller, None))

    assert (cancelled.message, moved.message) == ("order cancelled", "order status updated")
    assert (list(own.items), own.page, own.total) == ([], Page(2, 1), 1)
    assert ([order.id for order in sold.items], sold.total) == ([first.id], 2)
    assert "payment" not in msgspec.to_builtins(sold.items[0])
