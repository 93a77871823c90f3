"""The order routes of buyers and of sellers."""

from pasar.kit.money import Money, parse_money
from pasar.store_service.orders.model import BadExpectedTotal, OrderId, OrderPage
from pasar.store_service.orders.schemas import (
    CheckoutBody,
    OrderJson,
    UpdateStatusBody,
)
from pasar.store_service.orders.service import OrderService, SellerOrderService
from pasar.store_service.web.envelope import Message, Paged
from pasar.store_service.web.parse import page_of
from pasar.store_service.web.route import Call, Page


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

    async def page(self, call: Call[None]) -> Paged[OrderJson]:
        page = page_of(call.query)
        found = await self.orders.page(call.caller.user_id, page.size, page.offset)
        return _listed(page, found)

    async def cancel(self, call: Call[None]) -> Message:
        await self.orders.cancel(call.caller.user_id, OrderId(call.id))
        return Message("order cancelled")


class SellerOrderHandler:
    def __init__(self, orders: SellerOrderService) -> None:
        self.orders = orders

    async def page(self, call: Call[None]) -> Paged[OrderJson]:
        page = page_of(call.query)
        found = await self.orders.page(call.caller.user_id, page.size, page.offset)
        return _listed(page, found)

    async def move(self, call: Call[UpdateStatusBody]) -> Message:
        await self.orders.move(call.caller.user_id, OrderId(call.id), call.body.status)
        return Message("order status updated")


def _listed(page: Page, found: OrderPage) -> Paged[OrderJson]:
    return Paged([OrderJson.of(order) for order in found.orders], page, found.total)


def _amount(text: str | None) -> Money | None:
    if text is None:
        return None
    if (amount := parse_money(text)) is None:
        raise BadExpectedTotal
    return amount
