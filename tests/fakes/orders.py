"""Orders in memory, with the guards that the statements have."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from msgspec.structs import replace

from pasar.kit.database import Tx
from pasar.kit.money import Money
from pasar.store_service.catalog.model import ProductId
from pasar.store_service.identity import UserId
from pasar.store_service.orders.model import (
    HeldOrder,
    Order,
    OrderId,
    OrderNotFound,
    OrderPage,
    Payment,
    SellerWithoutStore,
    Status,
    Step,
    Verdict,
)
from pasar.store_service.orders.repository import OrderReads, Orders
from pasar.store_service.orders.rules import CANCELLABLE, outcome
from pasar.store_service.stores.model import StoreId
from tests.fakes.carts import MemoryShop


class MemoryOrders:
    """A transaction means nothing here: each method is alone anyway."""

    def __init__(self, shop: MemoryShop) -> None:
        self.shop = shop
        self.by_id: dict[OrderId, Order] = {}
        self.ways: dict[OrderId, dict[StoreId, Status]] = {}
        self.restocked: set[OrderId] = set()

    async def get(self, order_id: OrderId) -> Order:
        if order_id not in self.by_id:
            raise OrderNotFound
        return self.by_id[order_id]

    async def page_of_buyer(self, buyer: UserId, limit: int, offset: int) -> OrderPage:
        return _page((o for o in self.by_id.values() if o.user_id == buyer), limit, offset)

    async def page_of_seller(self, seller: UserId, limit: int, offset: int) -> OrderPage:
        store = await self.shop.stores.find_of(seller)
        if store is None:
            raise SellerWithoutStore
        parts = (self._part(o, store.id) for o in self.by_id.values() if store.id in self._way(o))
        return _page(parts, limit, offset)

    async def hold(self, _tx: Tx, order_id: OrderId) -> HeldOrder:
        order = await self.get(order_id)
        return HeldOrder(order.id, order.user_id, order.status, order.total_amount)

    async def parts(self, _tx: Tx, order_id: OrderId) -> Mapping[StoreId, Status]:
        return dict(self._way(self.by_id[order_id]))

    async def hold_all(self, tx: Tx, order_ids: Sequence[OrderId]) -> Mapping[OrderId, HeldOrder]:
        return {id_: await self.hold(tx, id_) for id_ in order_ids if id_ in self.by_id}

    async def settle(self, _tx: Tx, verdicts: Sequence[Verdict]) -> None:
        for verdict in verdicts:
            order = self.by_id[verdict.order_id]
            if order.status is Status.PENDING:
                self._all(order, outcome(verdict))
            payment = _told(order.payment, verdict) if order.payment else None
            self.by_id[order.id] = replace(self.by_id[order.id], payment=payment)

    async def cancel(self, _tx: Tx, order: HeldOrder) -> bool:
        if not {order.status, *self._way(self.by_id[order.id]).values()} <= {*CANCELLABLE}:
            return False
        self._all(self.by_id[order.id], Status.CANCELLED)
        return True

    async def move(self, _tx: Tx, step: Step, _seller: UserId) -> None:
        order = self.by_id[step.order.id]
        self._way(order)[step.store_id] = step.after
        self.by_id[order.id] = replace(order, status=step.order_after)

    async def restock(self, _tx: Tx, order_id: OrderId) -> Mapping[ProductId, int]:
        if order_id in self.restocked:
            return {}
        self.restocked.add(order_id)
        for item in self.by_id[order_id].items:
            ware = self.shop.wares[item.product_id]
            ware.stock += item.quantity
            ware.version += 1
        return {
            item.product_id: self.shop.wares[item.product_id].version
            for item in self.by_id[order_id].items
        }

    def _way(self, order: Order) -> dict[StoreId, Status]:
        """Return the parts; nothing has happened to those not known yet."""
        stores = (self.shop.wares[item.product_id].store for item in order.items)
        return self.ways.setdefault(order.id, dict.fromkeys(stores, order.status))

    def _all(self, order: Order, status: Status) -> None:
        self.ways[order.id] = dict.fromkeys(self._way(order), status)
        self.by_id[order.id] = replace(order, status=status)

    def _part(self, order: Order, store: StoreId) -> Order:
        items = tuple(i for i in order.items if self.shop.wares[i.product_id].store == store)
        return replace(
            order,
            status=self._way(order)[store],
            items=items,
            total_amount=sum((item.subtotal for item in items), Money(0)),
            payment=None,
        )


def _page(orders: Iterable[Order], limit: int, offset: int) -> OrderPage:
    newest_first = tuple(orders)[::-1]
    return OrderPage(newest_first[offset : offset + limit], len(newest_first))


def _told(payment: Payment, verdict: Verdict) -> Payment:
    if payment.status != "pending":
        return payment
    if verdict.approved:
        return replace(payment, status="success", paid_at=datetime.now(UTC))
    return replace(payment, status="failed")


_: tuple[type[Orders], type[OrderReads]] = (MemoryOrders, MemoryOrders)
