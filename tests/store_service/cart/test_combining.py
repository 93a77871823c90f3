"""Combined additions: whoever waits together is served as if one had come after the other."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from pasar.kit.database import OutcomeUnknown
from pasar.kit.errors import PasarError, Unavailable
from pasar.kit.postgres import PostgresDatabase
from pasar.store_service.cart.combining import CombiningCarts
from pasar.store_service.cart.model import Cart, Change, InsufficientStock, Outcome
from pasar.store_service.cart.postgres import PostgresCarts
from pasar.store_service.catalog.model import ProductId
from pasar.store_service.identity import UserId
from tests.store_service.shop import Shop, warm_up

SCENARIOS = 30
MAX_LINES = 2


@pytest.fixture
def shop(owner: PostgresDatabase) -> Shop:
    return Shop(owner)


@pytest.fixture
async def alone(database: PostgresDatabase) -> PostgresCarts:
    await warm_up(database)
    return PostgresCarts(database, MAX_LINES)


@pytest.fixture
def together(alone: PostgresCarts) -> CombiningCarts:
    return CombiningCarts(alone)


async def additions(shop: Shop, seed: int) -> list[Change]:
    """Few units, one product deleted, buyers who come again: served, short, full, not found."""
    rng = random.Random(seed)  # noqa: S311  a mixture, no secret
    products = [await shop.product(stock=rng.randint(1, 6), name=f"P{n}") for n in range(4)]
    await shop.delete(products[3])
    buyers = [await shop.buyer() for _ in range(rng.randint(1, 6))]
    return [
        Change(rng.choice(buyers), rng.choice(products), rng.randint(1, 4))
        for _ in range(rng.randint(1, 20))
    ]


async def outcomes(carts: PostgresCarts | CombiningCarts, wanted: Sequence[Change]) -> list[str]:
    """Ask for all at the same moment, and name what came of each."""
    answers = await asyncio.gather(
        *(
            carts.add(each.buyer, each.product_id, each.quantity)
            if each.quantity
            else carts.remove(each.buyer, each.product_id)
            for each in wanted
        ),
        return_exceptions=True,
    )
    return [type(answer).__name__ for answer in answers]


async def lines(carts: PostgresCarts, wanted: Sequence[Change]) -> list[object]:
    read = [await carts.get(buyer) for buyer in dict.fromkeys(each.buyer for each in wanted)]
    return [([(line.name, line.quantity) for line in cart.lines], cart.version) for cart in read]


async def test_a_crowd_of_additions_ends_as_if_they_had_come_one_after_the_other(
    shop: Shop, alone: PostgresCarts, together: CombiningCarts
) -> None:
    for seed in range(SCENARIOS):
        apart, combined = await additions(shop, seed), await additions(shop, seed)
        one_by_one = [(await outcomes(alone, [each]))[0] for each in apart]

        assert await outcomes(together, combined) == one_by_one, seed
        assert await lines(alone, combined) == await lines(alone, apart), seed


async def test_a_crowd_of_removals_ends_as_if_they_had_come_one_after_the_other(
    shop: Shop, alone: PostgresCarts, together: CombiningCarts
) -> None:
    for seed in range(SCENARIOS):
        apart, combined = await additions(shop, seed), await additions(shop, seed)
        for each in apart:
            await outcomes(alone, [each])
        await outcomes(together, combined)
        apart, combined = [
            [replace(each, quantity=0) for each in all_] for all_ in (apart, combined)
        ]
        one_by_one = [(await outcomes(alone, [each]))[0] for each in apart]

        assert await outcomes(together, combined) == one_by_one, seed
        assert await lines(alone, combined) == await lines(alone, apart), seed


async def test_what_arrives_meanwhile_is_one_statement(
    shop: Shop, together: CombiningCarts, database: PostgresDatabase
) -> None:
    lamp = await shop.product(stock=1000)
    wanted = [Change(await shop.buyer(), lamp, 1) for _ in range(30)]
    before = database.statements
    counted = await outcomes(together, wanted)
    counted += await outcomes(together, [replace(each, quantity=0) for each in wanted])

    assert database.statements - before <= 4
    assert set(counted) == {"Cart"}


async def test_who_is_refused_costs_the_others_no_second_statement(
    shop: Shop, together: CombiningCarts, database: PostgresDatabase
) -> None:
    lamp, gone = await shop.product(stock=5), await shop.product()
    await shop.delete(gone)
    buyers = [await shop.buyer() for _ in range(4)]
    before = database.statements
    counted = await outcomes(
        together,
        [
            Change(buyers[0], lamp, 5),
            Change(buyers[1], lamp, 6),
            Change(buyers[2], gone, 1),
            Change(buyers[3], lamp, 1),
        ],
    )

    assert counted == ["Cart", "InsufficientStock", "ProductNotFound", "Cart"]
    assert database.statements - before <= 2


async def test_a_stranger_among_them_is_refused_alone(shop: Shop, together: CombiningCarts) -> None:
    lamp = await shop.product()
    wanted = [Change(await shop.buyer(), lamp, 1) for _ in range(4)]
    wanted.insert(2, Change(UserId(lamp), lamp, 1))

    assert await outcomes(together, wanted) == ["Cart", "Cart", "UnknownBuyer", "Cart", "Cart"]


async def test_crowds_of_several_processes_never_wait_for_each_other_in_a_circle(
    shop: Shop, alone: PostgresCarts, owner: PostgresDatabase
) -> None:
    """Each with the same buyers and products in another order, stock edits and deletions beside."""
    rng = random.Random(7)  # noqa: S311  likewise
    buyers = [await shop.buyer() for _ in range(8)]
    products = [await shop.product(stock=10_000) for _ in range(8)]
    roomy = PostgresCarts(alone.database, 100)

    async def process() -> list[str]:
        carts = CombiningCarts(roomy)
        wanted = [Change(rng.choice(buyers), rng.choice(products), 1) for _ in range(60)]
        return await outcomes(carts, wanted + [replace(each, quantity=0) for each in wanted[::2]])

    async def seller() -> list[str]:
        for _ in range(60):
            await shop.restock(rng.choice(products), 10_000)
        return ["Cart"]

    counted = await asyncio.gather(process(), process(), process(), seller())
    stats = await owner.fetch_one(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    )

    assert {name for names in counted for name in names} <= {"Cart", "ItemNotInCart"}
    assert stats == {"deadlocks": 0}


async def test_a_cart_that_somebody_holds_keeps_nobody_else_waiting(
    shop: Shop, together: CombiningCarts, database: PostgresDatabase
) -> None:
    lamp = await shop.product()
    held, *others = [await shop.buyer() for _ in range(4)]
    for buyer in (held, *others):
        await together.add(buyer, lamp, 1)
    async with database.begin() as tx:
        await tx.fetch("SELECT FROM carts WHERE user_id = $1 FOR UPDATE", held)
        waiting = [
            asyncio.create_task(outcomes(together, [Change(held, lamp, quantity)]))
            for quantity in (1, 0)
        ]
        await asyncio.sleep(0)
        added = await outcomes(together, [Change(buyer, lamp, 1) for buyer in others])
        removed = await outcomes(together, [Change(buyer, lamp) for buyer in others])
        served_meanwhile = not any(task.done() for task in waiting)

    assert added == removed == ["Cart"] * 3
    assert served_meanwhile
    assert await asyncio.gather(*waiting) == [["Cart"], ["Cart"]]


class Forgetful:
    """Adds, and loses the answer to the commit."""

    def __init__(self, behind: PostgresCarts) -> None:
        self.behind = behind

    async def get(self, buyer: UserId) -> Cart:
        return await self.behind.get(buyer)

    async def add(self, buyer: UserId, product_id: ProductId, quantity: int) -> Cart:
        return await self.behind.add(buyer, product_id, quantity)

    async def set_quantity(self, buyer: UserId, product_id: ProductId, quantity: int) -> Cart:
        return await self.behind.set_quantity(buyer, product_id, quantity)

    async def remove(self, buyer: UserId, product_id: ProductId) -> Cart:
        return await self.behind.remove(buyer, product_id)

    async def add_all(self, wanted: Sequence[Change]) -> Sequence[Outcome]:
        await self.behind.add_all(wanted)
        raise OutcomeUnknown

    async def remove_all(self, wanted: Sequence[Change]) -> Sequence[Outcome]:
        return await self.behind.remove_all(wanted)


async def test_h25_what_may_have_been_added_is_not_added_again(
    shop: Shop, alone: PostgresCarts
) -> None:
    lamp = await shop.product()
    wanted = [Change(await shop.buyer(), lamp, 1) for _ in range(3)]
    carts = CombiningCarts(Forgetful(alone))
    answers = await asyncio.gather(
        *(carts.add(each.buyer, each.product_id, 1) for each in wanted), return_exceptions=True
    )

    assert all(isinstance(answer, Unavailable) for answer in answers)
    assert await lines(alone, wanted) == [([("Lamp", 1)], 1)] * 3


class Crossed(Forgetful):
    """Another change of one of the carts came first: the statement is undone for everybody."""

    async def add_all(self, wanted: Sequence[Change]) -> Sequence[Outcome]:
        if len(wanted) > 1:
            raise InsufficientStock
        return await self.behind.add_all(wanted)


async def test_when_one_is_overtaken_each_is_tried_alone_and_once(
    shop: Shop, alone: PostgresCarts
) -> None:
    lamp = await shop.product()
    wanted = [Change(await shop.buyer(), lamp, 1) for _ in range(5)]

    assert await outcomes(CombiningCarts(Crossed(alone)), wanted) == ["Cart"] * 5
    assert await lines(alone, wanted) == [([("Lamp", 1)], 1)] * 5


def test_an_outcome_without_a_cart_is_its_refusal() -> None:
    with pytest.raises(InsufficientStock):
        Outcome(refusal=InsufficientStock()).cart()
    with pytest.raises(PasarError):
        Outcome().cart()
