"""Reviews in memory; a test says who has received what."""

from datetime import UTC, datetime

from pasar.store_service.catalog.model import ProductId
from pasar.store_service.identity import UserId
from pasar.store_service.reviews.model import (
    AlreadyReviewed,
    NewReview,
    NotPurchased,
    Review,
    ReviewPage,
)
from pasar.store_service.reviews.repository import Reviews


class MemoryReviews:
    """`names` are those of known buyers, `received` who got which product."""

    def __init__(self) -> None:
        self.names: dict[UserId, str] = {}
        self.received: set[tuple[UserId, ProductId]] = set()
        self.written: list[Review] = []

    async def insert(self, new: NewReview) -> Review:
        if (new.user_id, new.product_id) not in self.received:
            raise NotPurchased
        if (new.user_id, new.product_id) in {(r.user_id, r.product_id) for r in self.written}:
            raise AlreadyReviewed
        review = Review(
            new.id,
            new.user_id,
            self.names[new.user_id],
            new.product_id,
            new.rating,
            new.comment,
            datetime.now(UTC),
        )
        self.written.append(review)
        return review

    async def page(self, product_id: ProductId, limit: int, offset: int) -> ReviewPage:
        found = [review for review in reversed(self.written) if review.product_id == product_id]
        return ReviewPage(tuple(found[offset : offset + limit]), len(found))


_: type[Reviews] = MemoryReviews
