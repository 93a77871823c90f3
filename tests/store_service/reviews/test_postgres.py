"""Who may review, told by the parts of orders; and many at once."""

import asyncio
from collections import Counter
from uuid import uuid4

import pytest

from pasar.audit.invariants import INVARIANTS
from pasar.kit.postgres import PostgresDatabase
from pasar.store_service.catalog.model import ProductId
from pasar.store_service.identity import UserId
from pasar.store_service.orders.model import Status
from pasar.store_service.reviews.model import NewReview, NotPurchased, Review, ReviewId
from pasar.store_service.reviews.postgres import PostgresReviews
from tests.store_service.reviews.receipts import receive
from tests.store_service.shop import Shop, warm_up

[BACKED] = [invariant for invariant in INVARIANTS if invariant.name == "I13"]


@pytest.fixture
def shop(owner: PostgresDatabase) -> Shop:
    return Shop(owner)


@pytest.fixture
def reviews(database: PostgresDatabase) -> PostgresReviews:
    return PostgresReviews(database)


def review(author: UserId, product_id: ProductId) -> NewReview:
    return NewReview(ReviewId(uuid4()), author, product_id, 5, "")


@pytest.mark.parametrize("status", Status)
async def test_d27_the_part_with_the_product_must_have_left(
    shop: Shop, reviews: PostgresReviews, owner: PostgresDatabase, status: Status
) -> None:
    """Another store's part of the same order, which is there already, does not count."""
    buyer, lamp = await shop.buyer(), await shop.product()
    rug = await shop.product(store=await shop.store())
    await receive(shop, buyer, lamp, status)
    await receive(shop, buyer, rug, "completed")
    if status in {Status.SHIPPED, Status.COMPLETED}:
        assert await reviews.insert(review(buyer, lamp))
    else:
        with pytest.raises(NotPurchased):
            await reviews.insert(review(buyer, lamp))

    assert await owner.fetch(BACKED.sql) == []


async def test_d13_a_deleted_product_is_unknown_to_reviews(
    shop: Shop, reviews: PostgresReviews
) -> None:
    first, second, lamp = await shop.buyer(), await shop.buyer(), await shop.product()
    for buyer in (first, second):
        await receive(shop, buyer, lamp, "shipped")
    await reviews.insert(review(first, lamp))
    await shop.delete(lamp)
    with pytest.raises(NotPurchased):
        await reviews.insert(review(second, lamp))

    assert (await reviews.page(lamp, 10, 0)).total == 0


async def test_h20_of_thirty_simultaneous_reviews_one_gets_in(
    shop: Shop, reviews: PostgresReviews, database: PostgresDatabase
) -> None:
    await warm_up(database)
    buyer, lamp = await shop.buyer(), await shop.product()
    await receive(shop, buyer, lamp, "completed")
    results = await asyncio.gather(
        *(reviews.insert(review(buyer, lamp)) for _ in range(30)), return_exceptions=True
    )
    counted = Counter(type(result).__name__ for result in results)
    [written] = [result for result in results if isinstance(result, Review)]

    assert counted == {"Review": 1, "AlreadyReviewed": 29}
    assert (await reviews.page(lamp, 10, 0)).reviews == (written,)


async def test_writing_and_listing_are_one_statement_each(
    shop: Shop, reviews: PostgresReviews, database: PostgresDatabase
) -> None:
    buyer, lamp = await shop.buyer(), await shop.product()
    await receive(shop, buyer, lamp, "shipped")
    before = database.statements
    await reviews.insert(review(buyer, lamp))
    await reviews.page(lamp, 10, 0)

    assert database.statements - before == 2
