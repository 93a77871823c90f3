"""The buyer's order routes."""

from pasar.kit.money import Money, parse_money
from pasar.store_service.orders.model import BadExpectedTotal, OrderId
from pasar.store_service.orders.schemas import CheckoutBody, OrderJson
from pasar.store_service.orders.service import OrderService
from pasar.store_service.web.route import Call


class OrderHandler:
    def __init__(self, orders: OrderService) -> None:
        self.orders = orders

    async def checkout(self, call: Call[CheckoutBody]) -> OrderJson:
        order = await self.orders.checkout(
            call.caller.user_id, call.body.shipping_address, _amount(call.body.expected_total)
        )
        return OrderJson.of(order)

    async def get(self, call: Call[None]) -> OrderJson:
        return OrderJson.of(await self.orders.get(call.caller.user_id, OrderId(call.id)))


def _amount(text: str | None) -> Money | None:
    if text is None:
        return None
    if (amount := parse_money(text)) is None:
        raise BadExpectedTotal
    return amount
