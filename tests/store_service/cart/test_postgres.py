"""Carts under a crowd, in PostgreSQL."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from pasar.kit.postgres import PostgresDatabase
from pasar.store_service.cart.model import Cart, InsufficientStock, UnknownBuyer
from pasar.store_service.cart.postgres import ADD, REMOVE, SET_QUANTITY, PostgresCarts
from pasar.store_service.identity import UserId
from tests.store_service.shop import Shop, warm_up


@pytest.fixture
def shop(owner: PostgresDatabase) -> Shop:
    return Shop(owner)


@pytest.fixture
async def carts(database: PostgresDatabase) -> PostgresCarts:
    await warm_up(database)
    return PostgresCarts(database, max_lines=1000)


async def test_h04_fifty_simultaneous_adds_make_one_line_of_fifty(
    shop: Shop, carts: PostgresCarts
) -> None:
    """The first ones race for the cart's row itself."""
    buyer, lamp = await shop.buyer(), await shop.product(stock=50)
    await asyncio.gather(*(carts.add(buyer, lamp, 1) for _ in range(50)))
    cart = await carts.get(buyer)

    assert ([line.quantity for line in cart.lines], cart.version) == ([50], 50)
    with pytest.raises(InsufficientStock):
        await carts.add(buyer, lamp, 1)


async def test_a_crowd_of_adds_stops_at_the_stock(shop: Shop, carts: PostgresCarts) -> None:
    buyer, lamp = await shop.buyer(), await shop.product(stock=30)
    outcomes = await asyncio.gather(
        *(carts.add(buyer, lamp, 1) for _ in range(50)), return_exceptions=True
    )
    cart = await carts.get(buyer)

    assert sum(isinstance(outcome, InsufficientStock) for outcome in outcomes) == 20
    assert ([line.quantity for line in cart.lines], cart.version) == ([30], 30)


async def test_the_cart_a_change_returns_has_what_others_added_meanwhile(
    shop: Shop, carts: PostgresCarts
) -> None:
    """Whoever waited has an old snapshot; a copy of it under the new version would stay wrong."""
    buyer = await shop.buyer()
    products = [await shop.product() for _ in range(30)]
    returned = await asyncio.gather(*(carts.add(buyer, product, 1) for product in products))
    removed = await asyncio.gather(*(carts.remove(buyer, product) for product in products[:10]))

    assert all(len(cart.lines) == cart.version for cart in returned)
    assert all(len(cart.lines) == 60 - cart.version for cart in removed)


async def test_the_cart_a_set_quantity_returns_has_what_others_set_meanwhile(
    shop: Shop, carts: PostgresCarts
) -> None:
    """Every change adds one unit and one version, so each cart must count as many of both."""
    buyer = await shop.buyer()
    products = [await shop.product() for _ in range(20)]
    for product in products:
        await carts.add(buyer, product, 1)
    returned = await asyncio.gather(*(carts.set_quantity(buyer, p, 2) for p in products))
    units = [sum(line.quantity for line in cart.lines) for cart in returned]

    assert units == [cart.version for cart in returned]
    assert (await carts.get(buyer)).version == 40


async def test_each_request_is_one_statement(
    shop: Shop, carts: PostgresCarts, database: PostgresDatabase
) -> None:
    buyer, lamp = await shop.buyer(), await shop.product()
    before = database.statements
    await carts.get(buyer)
    await carts.add(buyer, lamp, 1)
    await carts.add(buyer, lamp, 1)
    await carts.set_quantity(buyer, lamp, 3)
    await carts.remove(buyer, lamp)

    assert database.statements - before == 5


async def test_a_cart_shows_the_product_as_it_is_now(shop: Shop, carts: PostgresCarts) -> None:
    buyer, lamp, vase = await shop.buyer(), await shop.product(price="10"), await shop.product()
    await carts.add(buyer, lamp, 2)
    await carts.add(buyer, vase, 1)
    await shop.reprice(lamp, "12.25")
    await shop.delete(vase)
    cart = await carts.get(buyer)

    assert ([line.product_id for line in cart.lines], str(cart.total)) == ([lamp], "24.5")


async def test_a_cart_never_used_is_as_old_as_its_account(
    shop: Shop, carts: PostgresCarts, owner: PostgresDatabase
) -> None:
    buyer, lamp = await shop.buyer(), await shop.product()
    then = datetime(2020, 2, 2, 2, 2, 2, tzinfo=UTC)
    await owner.execute("UPDATE users SET created_at = $2 WHERE id = $1", buyer, then)
    unused = await carts.get(buyer)
    used: Cart = await carts.add(buyer, lamp, 1)

    assert unused.updated_at == then
    assert datetime.now(UTC) - used.updated_at < timedelta(minutes=1)


async def test_a_token_without_account_has_no_cart(shop: Shop, carts: PostgresCarts) -> None:
    stranger, lamp = UserId(uuid4()), await shop.product()
    with pytest.raises(UnknownBuyer):
        await carts.get(stranger)
    with pytest.raises(UnknownBuyer):
        await carts.add(stranger, lamp, 1)


async def test_cart_changes_do_not_wait_for_the_disk(
    shop: Shop, database: PostgresDatabase
) -> None:
    buyer, lamp = await shop.buyer(), await shop.product()
    for sql, values in (
        (ADD, ([buyer], [lamp], [1], 10, None)),
        (SET_QUANTITY, (buyer, lamp, 2)),
        (REMOVE, ([buyer], [lamp], None)),
    ):
        async with database.begin() as tx:
            await tx.execute("SET LOCAL synchronous_commit = on")
            await tx.fetch(sql, *values)
            (row,) = await tx.fetch("SHOW synchronous_commit")

        assert row["synchronous_commit"] == "off"
