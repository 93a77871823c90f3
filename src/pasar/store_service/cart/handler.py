"""The cart's routes."""

from pasar.kit.ids import parse_id
from pasar.store_service.cart.model import BadProductId
from pasar.store_service.cart.schemas import AddItemBody, CartJson, UpdateItemBody
from pasar.store_service.cart.service import CartService
from pasar.store_service.catalog.model import ProductId
from pasar.store_service.web.route import Call


class CartHandler:
    def __init__(self, carts: CartService) -> None:
        self.carts = carts

    async def get(self, call: Call[None]) -> CartJson:
        return CartJson.of(await self.carts.get(call.caller.user_id))

    async def add(self, call: Call[AddItemBody]) -> CartJson:
        product_id = parse_id(call.body.product_id)
        if product_id is None:
            raise BadProductId
        cart = await self.carts.add(call.caller.user_id, ProductId(product_id), call.body.quantity)
        return CartJson.of(cart)

    async def update(self, call: Call[UpdateItemBody]) -> CartJson:
        cart = await self.carts.set_quantity(
            call.caller.user_id, ProductId(call.id), call.body.quantity
        )
        return CartJson.of(cart)

    async def remove(self, call: Call[None]) -> CartJson:
        return CartJson.of(await self.carts.remove(call.caller.user_id, ProductId(call.id)))
