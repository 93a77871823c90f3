"""What every place that keeps reviews promises: in memory and in PostgreSQL."""

from typing import Protocol
from uuid import uuid4

import pytest

from pasar.kit.postgres import PostgresDatabase
from pasar.store_service.catalog.model import ProductId
from pasar.store_service.identity import UserId
from pasar.store_service.reviews.model import AlreadyReviewed, NewReview, NotPurchased, ReviewId
from pasar.store_service.reviews.postgres import PostgresReviews
from pasar.store_service.reviews.repository import Reviews
from tests.fakes.reviews import MemoryReviews
from tests.store_service.reviews.receipts import receive
from tests.store_service.shop import Shop


class Receipts(Protocol):
    """Who has received what."""

    async def buyer(self) -> UserId: ...
    async def product(self) -> ProductId: ...
    async def receive(self, buyer: UserId, product_id: ProductId) -> None: ...


class MemoryReceipts:
    def __init__(self, reviews: MemoryReviews) -> None:
        self.reviews = reviews

    async def buyer(self) -> UserId:
        buyer = UserId(uuid4())
        self.reviews.names[buyer] = "U"
        return buyer

    async def product(self) -> ProductId:
        return ProductId(uuid4())

    async def receive(self, buyer: UserId, product_id: ProductId) -> None:
        self.reviews.received.add((buyer, product_id))


class PlantedReceipts:
    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.buyer = shop.buyer

    async def product(self) -> ProductId:
        return await self.shop.product()

    async def receive(self, buyer: UserId, product_id: ProductId) -> None:
        await receive(self.shop, buyer, product_id, "shipped")


def review(author: UserId, product_id: ProductId, rating: int = 5) -> NewReview:
    return NewReview(ReviewId(uuid4()), author, product_id, rating, "Bagus")


class ReviewsPromise:
    async def test_d48_a_review_bears_its_authors_name(
        self, shop: Receipts, reviews: Reviews
    ) -> None:
        buyer, lamp = await shop.buyer(), await shop.product()
        await shop.receive(buyer, lamp)
        new = review(buyer, lamp, rating=4)
        written = await reviews.insert(new)
        page = await reviews.page(lamp, 10, 0)

        assert (written.id, written.user_id, written.user_name) == (new.id, buyer, "U")
        assert (written.product_id, written.rating, written.comment) == (lamp, 4, "Bagus")
        assert (page.reviews, page.total) == ((written,), 1)

    async def test_c08_who_has_not_received_the_product_may_not_review_it(
        self, shop: Receipts, reviews: Reviews
    ) -> None:
        buyer, lamp = await shop.buyer(), await shop.product()
        await shop.receive(buyer, await shop.product())
        await shop.receive(await shop.buyer(), lamp)
        for product_id in (lamp, ProductId(uuid4())):
            with pytest.raises(NotPurchased):
                await reviews.insert(review(buyer, product_id))

        assert (await reviews.page(lamp, 10, 0)).total == 0

    async def test_d11_a_second_review_is_a_duplicate(
        self, shop: Receipts, reviews: Reviews
    ) -> None:
        buyer, lamp, vase = await shop.buyer(), await shop.product(), await shop.product()
        for product_id in (lamp, vase):
            await shop.receive(buyer, product_id)
            await reviews.insert(review(buyer, product_id))
        with pytest.raises(AlreadyReviewed):
            await reviews.insert(review(buyer, lamp, rating=1))

        assert [each.rating for each in (await reviews.page(lamp, 10, 0)).reviews] == [5]

    async def test_reviews_come_newest_first_page_by_page(
        self, shop: Receipts, reviews: Reviews
    ) -> None:
        lamp = await shop.product()
        written = []
        for rating in (1, 2, 3):
            buyer = await shop.buyer()
            await shop.receive(buyer, lamp)
            written.append(await reviews.insert(review(buyer, lamp, rating)))
        pages = [await reviews.page(lamp, 2, offset) for offset in (0, 2, 4)]

        assert [page.reviews for page in pages] == [(written[2], written[1]), (written[0],), ()]
        assert [page.total for page in pages] == [3, 3, 3]

    async def test_d02_an_unknown_product_has_an_empty_list(
        self, shop: Receipts, reviews: Reviews
    ) -> None:
        for product_id in (await shop.product(), ProductId(uuid4())):
            page = await reviews.page(product_id, 10, 0)

            assert (page.reviews, page.total) == ((), 0)


class TestMemoryReviews(ReviewsPromise):
    @pytest.fixture
    def reviews(self) -> MemoryReviews:
        return MemoryReviews()

    @pytest.fixture
    def shop(self, reviews: MemoryReviews) -> Receipts:
        return MemoryReceipts(reviews)


class TestPostgresReviews(ReviewsPromise):
    @pytest.fixture
    def reviews(self, database: PostgresDatabase) -> Reviews:
        return PostgresReviews(database)

    @pytest.fixture
    def shop(self, owner: PostgresDatabase) -> Receipts:
        return PlantedReceipts(Shop(owner))
