"""A review, and why one is refused."""

from dataclasses import dataclass
from datetime import datetime
from typing import NewType
from uuid import UUID

from pasar.kit.errors import Conflict, Forbidden
from pasar.store_service.catalog.model import ProductId
from pasar.store_service.identity import UserId

ReviewId = NewType("ReviewId", UUID)


@dataclass(frozen=True, slots=True)
class NewReview:
    """`rating` is 1 to 5; `comment` may be empty."""

    id: ReviewId
    user_id: UserId
    product_id: ProductId
    rating: int
    comment: str


@dataclass(frozen=True, slots=True)
class Review:
    """`user_name` is the author's of today."""

    id: ReviewId
    user_id: UserId
    user_name: str
    product_id: ProductId
    rating: int
    comment: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """Some of a product's reviews, and how many it has in all."""

    reviews: tuple[Review, ...]
    total: int


class NotPurchased(Forbidden):
    """The buyer has not received this product, or it is unknown."""

    def __init__(self) -> None:
        super().__init__("you must purchase this product before reviewing")


class AlreadyReviewed(Conflict):
    """One review per buyer and product, for ever."""

    def __init__(self) -> None:
        super().__init__("you have already reviewed this product")
