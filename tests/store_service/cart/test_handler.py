"""The cart as clients see it."""

from typing import TypeVar
from uuid import UUID, uuid4

import msgspec
import pytest

from pasar.kit.errors import InvalidFields
from pasar.kit.money import parse_money
from pasar.store_service.cart.handler import CartHandler
from pasar.store_service.cart.model import BadProductId
from pasar.store_service.cart.schemas import AddItemBody, UpdateItemBody
from pasar.store_service.cart.service import CartService
from pasar.store_service.identity import Identity, Role, UserId
from pasar.store_service.web.fields import check
from pasar.store_service.web.route import Call
from tests.fakes.carts import MemoryCarts, MemoryShop

BodyT = TypeVar("BodyT")

BUYER = Identity(UserId(uuid4()), "buyer@example.com", Role.BUYER)


def call(body: BodyT, path_id: UUID | None = None) -> Call[BodyT]:
    return Call(identity=BUYER, path_id=path_id, query={}, body=body, address="127.0.0.1")


@pytest.fixture
def shop() -> MemoryShop:
    return MemoryShop()


@pytest.fixture
def handler(shop: MemoryShop) -> CartHandler:
    return CartHandler(CartService(MemoryCarts(shop.wares)))


async def test_an_empty_cart_has_all_its_members(handler: CartHandler) -> None:
    cart = msgspec.to_builtins(await handler.get(call(None)))

    assert (cart["items"], cart["total"]) == ([], "0")
    assert cart["updated_at"].endswith("Z")


async def test_a_line_shows_price_and_subtotal_as_text(
    shop: MemoryShop, handler: CartHandler
) -> None:
    lamp = await shop.product(price="10.50", name="Lamp")
    body = AddItemBody(product_id=f"urn:uuid:{str(lamp).upper()}", quantity=3)
    cart = msgspec.to_builtins(await handler.add(call(body)))

    assert cart["total"] == "31.5"
    assert cart["items"] == [
        {
            "product_id": str(lamp),
            "name": "Lamp",
            "price": "10.5",
            "quantity": 3,
            "subtotal": "31.5",
            "image_url": "",
        }
    ]


async def test_a_line_is_removed_by_its_product(shop: MemoryShop, handler: CartHandler) -> None:
    lamp = await shop.product()
    await handler.add(call(AddItemBody(product_id=str(lamp), quantity=1)))
    cart = await handler.remove(call(None, lamp))

    assert (cart.items, cart.total) == ([], "0")


async def test_what_is_no_id_is_refused_by_name(handler: CartHandler) -> None:
    with pytest.raises(BadProductId, match=r"^invalid product_id$") as refusal:
        await handler.add(call(AddItemBody(product_id="lamp", quantity=1)))

    assert refusal.value.field == "product_id"


async def test_a_quantity_is_set_and_not_added(shop: MemoryShop, handler: CartHandler) -> None:
    lamp = await shop.product(price="10.50")
    await handler.add(call(AddItemBody(product_id=str(lamp), quantity=3)))
    cart = await handler.update(call(UpdateItemBody(quantity=2), lamp))

    assert ([item.quantity for item in cart.items], cart.total) == ([2], "21")


@pytest.mark.parametrize("quantity", [0, -1, -(2**63)])
def test_the_rule_of_a_set_quantity(quantity: int) -> None:
    with pytest.raises(InvalidFields) as refusal:
        check(UpdateItemBody(quantity=quantity))

    assert [(fault.field, fault.message) for fault in refusal.value.faults] == [
        ("quantity", "must be greater than 0")
    ]


@pytest.mark.parametrize("quantity", [0, -1, -(2**63)])
def test_the_rules_of_an_added_item(quantity: int) -> None:
    with pytest.raises(InvalidFields) as refusal:
        check(AddItemBody(quantity=quantity))

    assert [(fault.field, fault.message) for fault in refusal.value.faults] == [
        ("product_id", "is required"),
        ("quantity", "must be greater than 0"),
    ]


def test_an_amount_is_a_64_bit_integer() -> None:
    assert msgspec.json.decode(f'{{"quantity":{2**63 - 1}}}', type=AddItemBody)
    for text in (str(2**63), "1e400", '"1"', "true", "1.5"):
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(f'{{"quantity":{text}}}', type=AddItemBody)


def test_totals_are_exact() -> None:
    price = parse_money("0.01")

    assert price
    assert str(price * (2**31 - 1)) == "21474836.47"
