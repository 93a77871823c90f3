"""
Orders in PostgreSQL as people see them: each order, each page is one statement, and so are many.

Each order comes as one JSON array, items and payment inside it, amounts in minor units: the
driver decodes one text instead of twenty values for each item, and rows repeat nothing.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from pasar.kit.database import Database
from pasar.kit.money import Money
from pasar.store_service.catalog.model import ProductId
from pasar.store_service.identity import UserId
from pasar.store_service.orders.model import (
    Item,
    Order,
    OrderId,
    OrderNotFound,
    OrderPage,
    Payment,
    SellerWithoutStore,
    Status,
)
from pasar.store_service.orders.repository import BatchReads, BuyersPage

# The members of OrderRow, from `orders o`.
WHOLE_ORDER: Final = """
json_build_array(o.id, o.user_id, o.status, (o.total_amount * 100)::bigint, o.shipping_address,
    (SELECT json_agg(json_build_array(i.id, i.product_id, i.quantity, (i.price * 100)::bigint)
        ORDER BY i.product_id, i.id)
     FROM order_items i WHERE i.order_id = o.id),
    (SELECT json_build_array(y.id, y.method, y.status, (y.amount * 100)::bigint, y.paid_at,
        y.created_at)
     FROM payments y WHERE y.order_id = o.id),
    o.created_at, o.updated_at)
"""

GET: Final = f"SELECT o.id, {WHOLE_ORDER} AS body FROM orders o WHERE o.id = ANY($1::uuid[])"  # noqa: S608  constants

# A row for each page wanted. Page and count both read idx_orders_user_newest.
PAGES_OF_BUYERS: Final = f"""
SELECT (SELECT count(*) FROM orders WHERE user_id = w.buyer) AS total,
    (SELECT json_agg({WHOLE_ORDER} ORDER BY o.created_at DESC, o.id DESC)
     FROM (
        SELECT id, user_id, status, total_amount, shipping_address, created_at, updated_at
        FROM orders
        WHERE user_id = w.buyer
        ORDER BY created_at DESC, id DESC
        LIMIT w.most OFFSET w.skipped
     ) o) AS body
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[])
    WITH ORDINALITY AS w (buyer, most, skipped, place)
ORDER BY w.place
"""  # noqa: S608  constants

# Only the seller's own part of each order, by idx_fulfilments_store_newest; its total is the sum of
# its items. No row: no store.
PAGE_OF_SELLER: Final = """
SELECT n.total, CASE WHEN o.id IS NOT NULL THEN json_build_array(o.id, o.user_id, f.status, 0,
    o.shipping_address,
    (SELECT json_agg(json_build_array(i.id, i.product_id, i.quantity, (i.price * 100)::bigint)
        ORDER BY i.product_id, i.id)
     FROM order_items i WHERE i.order_id = o.id AND i.store_id = s.id),
    NULL, o.created_at, f.updated_at) END AS body
FROM stores s
CROSS JOIN LATERAL (SELECT count(*) AS total FROM fulfilments WHERE store_id = s.id) n
LEFT JOIN LATERAL (
    SELECT order_id, status, ordered_at, updated_at
    FROM fulfilments
    WHERE store_id = s.id
    ORDER BY ordered_at DESC, order_id DESC
    LIMIT $2 OFFSET $3
) f ON true
LEFT JOIN orders o ON o.id = f.order_id
WHERE s.user_id = $1
ORDER BY f.ordered_at DESC, f.order_id DESC
"""


class ItemRow(msgspec.Struct, array_like=True):
    id: UUID
    product_id: UUID
    quantity: int
    price: int


class PaymentRow(msgspec.Struct, array_like=True):
    id: UUID
    method: str
    status: str
    amount: int
    paid_at: datetime | None
    created_at: datetime


class OrderRow(msgspec.Struct, array_like=True):
    id: UUID
    user_id: UUID
    status: Status
    total: int
    shipping_address: str
    items: list[ItemRow] | None
    payment: PaymentRow | None
    created_at: datetime
    updated_at: datetime


_decode: Final = msgspec.json.Decoder(OrderRow).decode
_decode_all: Final = msgspec.json.Decoder(list[OrderRow]).decode


class PostgresOrderReads:
    def __init__(self, database: Database) -> None:
        self.database = database

    async def get(self, order_id: OrderId) -> Order:
        [order] = await self.get_all([order_id])
        if order is None:
            raise OrderNotFound
        return order

    async def get_all(self, wanted: Sequence[OrderId]) -> Sequence[Order | None]:
        rows = await self.database.fetch(GET, wanted)
        found = {row["id"]: _order(_decode(row["body"])) for row in rows}
        return [found.get(order_id) for order_id in wanted]

    async def page_of_buyer(self, buyer: UserId, limit: int, offset: int) -> OrderPage:
        [page] = await self.pages_of_buyers([BuyersPage(buyer, limit, offset)])
        return page

    async def pages_of_buyers(self, wanted: Sequence[BuyersPage]) -> Sequence[OrderPage]:
        columns = zip(*((each.buyer, each.limit, each.offset) for each in wanted), strict=True)
        rows = await self.database.fetch(PAGES_OF_BUYERS, *columns)
        return [
            OrderPage(tuple(map(_order, _decode_all(row["body"] or "[]"))), row["total"])
            for row in rows
        ]

    async def page_of_seller(self, seller: UserId, limit: int, offset: int) -> OrderPage:
        rows = await self.database.fetch(PAGE_OF_SELLER, seller, limit, offset)
        if not rows:
            raise SellerWithoutStore
        found = (_decode(row["body"]) for row in rows if row["body"] is not None)
        return OrderPage(tuple(map(_own_part, found)), rows[0]["total"])


def _order(row: OrderRow) -> Order:
    return Order(
        id=OrderId(row.id),
        user_id=UserId(row.user_id),
        status=row.status,
        total_amount=Money(row.total),
        shipping_address=row.shipping_address,
        items=tuple(map(_item, row.items or ())),
        payment=None if row.payment is None else _payment(OrderId(row.id), row.payment),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _own_part(row: OrderRow) -> Order:
    """Read a seller's part as if it were the whole order (contract D28)."""
    part = _order(row)
    total = sum((item.subtotal for item in part.items), Money(0))
    return msgspec.structs.replace(part, total_amount=total)


def _item(row: ItemRow) -> Item:
    return Item(row.id, ProductId(row.product_id), row.quantity, Money(row.price))


def _payment(order_id: OrderId, row: PaymentRow) -> Payment:
    return Payment(
        id=row.id,
        order_id=order_id,
        method=row.method,
        status=row.status,
        amount=Money(row.amount),
        paid_at=row.paid_at,
        created_at=row.created_at,
    )


_: type[BatchReads] = PostgresOrderReads
