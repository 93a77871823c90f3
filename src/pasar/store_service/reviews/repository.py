"""Where reviews are kept, as the business sees it."""

from typing import Protocol

from pasar.store_service.catalog.model import ProductId
from pasar.store_service.reviews.model import NewReview, Review, ReviewPage


class Reviews(Protocol):
    """
    All reviews of products that are on offer; a deleted product counts as unknown.

    Every method raises kit.errors.Unavailable while the database is away.
    """

    async def insert(self, new: NewReview) -> Review:
        """
        Keep a review, if a part of an order with the product has reached its author.

        Raises NotPurchased, also for an unknown product, and AlreadyReviewed; of a buyer's
        simultaneous reviews of one product one gets in.
        """
        ...

    async def page(self, product_id: ProductId, limit: int, offset: int) -> ReviewPage:
        """Return at most `limit` reviews, newest first, after `offset`; none of an unknown one."""
        ...
