"""Combined checkouts: whoever waits together is judged as if one had come after the other."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

import pytest

from pasar.kit.errors import PasarError
from pasar.kit.ids import TimeOrderedIds
from pasar.kit.money import Money
from pasar.kit.postgres import PostgresDatabase
from pasar.store_service.cart.postgres import PostgresCarts
from pasar.store_service.catalog.model import ProductId
from pasar.store_service.identity import UserId
from pasar.store_service.orders.combining import CombiningCheckouts
from pasar.store_service.orders.model import Attempt, OrderId, Placed, Wish
from pasar.store_service.orders.postgres import PostgresCheckouts
from pasar.store_service.orders.postgres_reads import PostgresOrderReads
from pasar.store_service.orders.rules import accepted
from tests.store_service.shop import Shop

SCENARIOS = 30


@dataclass
class Market:
    """One copy of a scenario: its shelf, and the wishes of its buyers in the order they came."""

    shop: Shop
    products: list[ProductId]
    wishes: list[Wish]

    async def stock(self) -> list[int]:
        return [await self.shop.stock(product) for product in self.products]

    def outcome(self, attempt: Attempt) -> object:
        """Say what came of a wish in words that hold for both copies."""
        try:
            placed = accepted(attempt)
        except PasarError as refusal:
            names = {str(product): f"product {n}" for n, product in enumerate(self.products)}
            words = refusal.message.split()
            return [type(refusal), *(names.get(word, word) for word in words)]
        return self._bought(placed)

    def _bought(self, placed: Placed) -> object:
        items = {self.products.index(i.product_id): i.quantity for i in placed.order.items}
        return placed.order.total_amount, items


async def market(owner: PostgresDatabase, database: PostgresDatabase, seed: int) -> Market:
    """Build few units and many buyers; some carts hold a hidden product, some press twice."""
    rng = random.Random(seed)  # noqa: S311  a mixture, no secret
    shop, carts = Shop(owner), PostgresCarts(database, 10)
    products = [
        await shop.product(stock=rng.randint(1, 9), price=str(rng.randint(1, 3)), name=f"P{n}")
        for n in range(3)
    ]
    buyers = [await shop.buyer() for _ in range(rng.randint(1, 9))]
    for buyer in buyers:
        for product in rng.sample(products, rng.randint(0, 3)):
            most = min(4, await shop.stock(product))
            await carts.add(buyer, product, rng.randint(1, most))
    if rng.random() < 0.2:
        await shop.delete(rng.choice(products))
    expected = [None, None, None, Money(rng.randint(1, 9) * 100)]
    presses = [rng.choice(buyers) for _ in range(len(buyers))] + buyers
    return Market(shop, products, [wish(buyer, rng.choice(expected)) for buyer in presses])


def wish(buyer: UserId, expected_total: Money | None = None, address: str = "Jalan 1") -> Wish:
    return Wish(OrderId(uuid4()), buyer, address, expected_total, "r-1")


@pytest.fixture
def checkouts(database: PostgresDatabase) -> PostgresCheckouts:
    return PostgresCheckouts(database, PostgresOrderReads(database), TimeOrderedIds(), "IDR")


async def one_by_one(checkouts: PostgresCheckouts, wishes: Sequence[Wish]) -> list[Attempt]:
    return [(await checkouts.place_all([wish]))[0] for wish in wishes]


async def test_a_batch_ends_as_if_its_carts_had_come_one_after_the_other(
    owner: PostgresDatabase, database: PostgresDatabase, checkouts: PostgresCheckouts
) -> None:
    for seed in range(SCENARIOS):
        apart = await market(owner, database, seed)
        together = await market(owner, database, seed)
        alone = await one_by_one(checkouts, apart.wishes)
        combined = await checkouts.place_all(together.wishes)

        assert list(map(apart.outcome, alone)) == list(map(together.outcome, combined)), seed
        assert await apart.stock() == await together.stock(), seed
    assert await apart.shop.broken_books() == []


async def test_a_batch_is_one_statement_and_so_one_commit(
    owner: PostgresDatabase, database: PostgresDatabase, checkouts: PostgresCheckouts
) -> None:
    shop, carts = Shop(owner), PostgresCarts(database, 10)
    lamp = await shop.product(stock=7)
    buyers = [await shop.buyer() for _ in range(10)]
    for buyer in buyers:
        await carts.add(buyer, lamp, 1)
    before = database.statements
    attempts = await checkouts.place_all([wish(buyer) for buyer in buyers])

    assert database.statements - before == 1
    assert [attempt.placed is not None for attempt in attempts] == [True] * 7 + [False] * 3


async def test_what_arrives_while_a_batch_commits_is_the_next_one(
    owner: PostgresDatabase, database: PostgresDatabase, checkouts: PostgresCheckouts
) -> None:
    """First come, first served: one goes at once, all who come meanwhile go together."""
    shop, carts = Shop(owner), PostgresCarts(database, 10)
    lamp = await shop.product(stock=20)
    buyers = [await shop.buyer() for _ in range(30)]
    for buyer in buyers:
        await carts.add(buyer, lamp, 1)
    combining = CombiningCheckouts(checkouts, is_joined=bool)
    before = database.statements
    attempts = await asyncio.gather(*(combining.place(wish(buyer)) for buyer in buyers))

    assert database.statements - before <= 2
    assert [attempt.placed is not None for attempt in attempts] == [True] * 20 + [False] * 10


async def test_a_cart_that_fails_a_batch_fails_alone(
    owner: PostgresDatabase, database: PostgresDatabase, checkouts: PostgresCheckouts
) -> None:
    """The database refuses the text of one address, and with it the whole statement."""
    shop, carts = Shop(owner), PostgresCarts(database, 10)
    lamp = await shop.product(stock=20)
    buyers = [await shop.buyer() for _ in range(5)]
    for buyer in buyers:
        await carts.add(buyer, lamp, 1)
    combining = CombiningCheckouts(checkouts, is_joined=bool)
    wishes = [wish(buyer, address="\0" if buyer == buyers[2] else "Jalan 1") for buyer in buyers]
    outcomes = await asyncio.gather(*map(combining.place, wishes), return_exceptions=True)

    assert [isinstance(outcome, Attempt) for outcome in outcomes] == [True, True, False, True, True]
    assert await shop.stock(lamp) == 16
