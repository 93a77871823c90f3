"""Reviews as JSON, in and out (contract sections 1.8 and 5)."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Final
from uuid import UUID

import msgspec

from pasar.store_service.reviews.model import Review
from pasar.store_service.web.fields import Body, Rule, at_most, between

_LONGEST_COMMENT: Final = 4000  # characters; the contract asks for 2000 at least (D14)


class CreateReviewBody(Body, frozen=True):
    rating: int = 0
    comment: str = ""

    rules: ClassVar[Mapping[str, tuple[Rule, ...]]] = {
        "rating": (between(1, 5),),
        "comment": (at_most(_LONGEST_COMMENT),),
    }


class ReviewJson(msgspec.Struct, frozen=True):
    id: UUID
    user_id: UUID
    user_name: str
    product_id: UUID
    rating: int
    comment: str
    created_at: datetime

    @classmethod
    def of(cls, review: Review) -> "ReviewJson":
        return cls(
            id=review.id,
            user_id=review.user_id,
            user_name=review.user_name,
            product_id=review.product_id,
            rating=review.rating,
            comment=review.comment,
            created_at=review.created_at,
        )
