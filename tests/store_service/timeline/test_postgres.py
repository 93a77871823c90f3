"""One order's story, as orders themselves have written it."""

from uuid import uuid4

import pytest

from pasar.kit.ids import TimeOrderedIds
from pasar.kit.log import request_id
from pasar.kit.postgres import PostgresDatabase
from pasar.store_service.cart.postgres import PostgresCarts
from pasar.store_service.identity import UserId
from pasar.store_service.orders.model import Order, OrderId, OrderNotFound, Verdict, Wish
from pasar.store_service.orders.postgres import PostgresCheckouts
from pasar.store_service.orders.postgres_orders import PostgresOrders
from pasar.store_service.orders.postgres_reads import PostgresOrderReads
from pasar.store_service.orders.rules import accepted
from pasar.store_service.timeline.model import Concerned
from pasar.store_service.timeline.postgres import PostgresTimelines
from tests.store_service.shop import Shop


@pytest.fixture
def timelines(database: PostgresDatabase) -> PostgresTimelines:
    return PostgresTimelines(database)


async def bought(database: PostgresDatabase, shop: Shop, buyer: UserId) -> Order:
    reads = PostgresOrderReads(database)
    await PostgresCarts(database, 10).add(buyer, await shop.product(), 2)
    checkouts = PostgresCheckouts(database, reads, TimeOrderedIds(), "IDR")
    wish = Wish(OrderId(uuid4()), buyer, "Jalan Pasar 1", None, request_id.get())
    [attempt] = await checkouts.place_all([wish])
    return accepted(attempt).order


async def test_a_cancelled_order_is_told_from_request_to_refund(
    owner: PostgresDatabase, database: PostgresDatabase, timelines: PostgresTimelines
) -> None:
    shop, orders = Shop(owner), PostgresOrders()
    begun_by = request_id.set("req-1")
    order = await bought(database, shop, await shop.buyer())
    async with database.begin() as tx:
        await orders.settle(tx, [Verdict(order.id, True, "pay_1", None, "", "req-1")])
    request_id.set("req-2")
    async with database.begin() as tx:
        assert await orders.cancel(tx, await orders.hold(tx, order.id))
        await orders.restock(tx, order.id)
    request_id.reset(begun_by)
    await owner.execute("UPDATE outbox SET sent_at = now(), attempts = 1")
    await owner.execute(
        "INSERT INTO dead_letters (topic, body, error, attempts) VALUES ($1, $2, 'odd', 5)",
        "payment.success",
        f'{{"order_id": "{order.id}"}}'.encode(),
    )
    told = await timelines.entries(order.id)

    assert [(each.kind, each.text, each.actor, each.request_id) for each in told] == [
        ("request", "checkout, 20 in all", "buyer", "req-1"),
        ("status", "pending", "buyer", "req-1"),
        ("stock", "-2 of Lamp: sale", "", "req-1"),
        ("payment", "20 IDR owed", "", "req-1"),
        ("message", "order.created written", "", "req-1"),
        ("status", "pending → paid", "system", "req-1"),
        ("payment", "success, pay_1", "", "req-1"),
        ("status", "paid → cancelled", "buyer", "req-2"),
        ("stock", "+2 of Lamp: restock", "", "req-2"),
        ("refund", "20 owed back, pending", "", "req-2"),
        ("message", "order.created sent, attempt 1", "", "req-1"),
        ("dead letter", "payment.success, attempts 5, kept as store-1", "", ""),
    ]


async def test_money_that_came_after_the_cancel_is_owed_back_by_the_request_of_the_checkout(
    owner: PostgresDatabase, database: PostgresDatabase, timelines: PostgresTimelines
) -> None:
    shop, orders = Shop(owner), PostgresOrders()
    begun_by = request_id.set("req-1")
    order = await bought(database, shop, await shop.buyer())
    request_id.set("req-2")
    async with database.begin() as tx:
        assert await orders.cancel(tx, await orders.hold(tx, order.id))
    request_id.reset(begun_by)
    async with database.begin() as tx:
        await orders.settle(tx, [Verdict(order.id, True, "pay_1", None, "", "req-1")])
    told = await timelines.entries(order.id)

    assert [
        (each.text, each.request_id) for each in told if each.kind in {"payment", "refund"}
    ] == [
        ("20 IDR owed", "req-1"),
        ("success, pay_1", "req-1"),
        ("20 owed back, pending", "req-1"),
    ]


async def test_what_the_shop_found_out_by_asking_belongs_to_the_checkout_too(
    owner: PostgresDatabase, database: PostgresDatabase, timelines: PostgresTimelines
) -> None:
    begun_by = request_id.set("req-1")
    shop = Shop(owner)
    order = await bought(database, shop, await shop.buyer())
    request_id.reset(begun_by)
    async with database.begin() as tx:
        await PostgresOrders().settle(tx, [Verdict(order.id, True, "pay_1", None, "", "")])
    told = await timelines.entries(order.id)

    assert "pending → paid" in {each.text for each in told}
    assert {each.request_id for each in told} == {"req-1"}


async def test_whom_an_order_concerns(
    owner: PostgresDatabase, database: PostgresDatabase, timelines: PostgresTimelines
) -> None:
    shop = Shop(owner)
    buyer = await shop.buyer()
    order = await bought(database, shop, buyer)
    mine, others = shop.default_store, await shop.store()
    assert mine

    assert await timelines.concerned(order.id, buyer) == Concerned(buyer, None, sells=False)
    seller, other = await shop.seller(mine), await shop.seller(others)
    assert await timelines.concerned(order.id, seller) == Concerned(buyer, mine, sells=True)
    assert await timelines.concerned(order.id, other) == Concerned(buyer, others, sells=False)


async def test_an_unknown_order_has_no_story(timelines: PostgresTimelines) -> None:
    unknown = OrderId(uuid4())
    with pytest.raises(OrderNotFound):
        await timelines.concerned(unknown, UserId(uuid4()))

    assert await timelines.entries(unknown) == []
