"""Write a review, read a product's reviews. Each is one statement."""

from pasar.kit.ids import Ids
from pasar.store_service.catalog.model import ProductId
from pasar.store_service.identity import UserId
from pasar.store_service.reviews.model import NewReview, Review, ReviewId, ReviewPage
from pasar.store_service.reviews.repository import Reviews


class ReviewService:
    def __init__(self, reviews: Reviews, ids: Ids) -> None:
        self.reviews = reviews
        self.ids = ids

    async def write(
        self, author: UserId, product_id: ProductId, rating: int, comment: str
    ) -> Review:
        """Review a product that the author has received. Raises NotPurchased, AlreadyReviewed."""
        new = NewReview(ReviewId(self.ids.new()), author, product_id, rating, comment)
        return await self.reviews.insert(new)

    async def page(self, product_id: ProductId, limit: int, offset: int) -> ReviewPage:
        """Return a page of the product's reviews, newest first."""
        return await self.reviews.page(product_id, limit, offset)
