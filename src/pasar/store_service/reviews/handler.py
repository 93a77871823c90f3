"""The routes of reviews."""

from pasar.store_service.catalog.model import ProductId
from pasar.store_service.reviews.schemas import CreateReviewBody, ReviewJson
from pasar.store_service.reviews.service import ReviewService
from pasar.store_service.web.envelope import Paged
from pasar.store_service.web.parse import page_of
from pasar.store_service.web.route import Call


class ReviewHandler:
    def __init__(self, reviews: ReviewService) -> None:
        self.reviews = reviews

    async def write(self, call: Call[CreateReviewBody]) -> ReviewJson:
        review = await self.reviews.write(
            call.caller.user_id, ProductId(call.id), call.body.rating, call.body.comment
        )
        return ReviewJson.of(review)

    async def page(self, call: Call[None]) -> Paged[ReviewJson]:
        page = page_of(call.query)
        found = await self.reviews.page(ProductId(call.id), page.size, page.offset)
        return Paged([ReviewJson.of(review) for review in found.reviews], page, found.total)
