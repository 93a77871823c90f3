"""Reviews as clients see them."""

from typing import TypeVar
from uuid import uuid4

import msgspec
import pytest

from pasar.kit.errors import InvalidFields
from pasar.kit.ids import TimeOrderedIds
from pasar.store_service.catalog.model import ProductId
from pasar.store_service.identity import Identity, Role, UserId
from pasar.store_service.reviews.handler import ReviewHandler
from pasar.store_service.reviews.model import AlreadyReviewed, NotPurchased
from pasar.store_service.reviews.schemas import CreateReviewBody
from pasar.store_service.reviews.service import ReviewService
from pasar.store_service.web.fields import check
from pasar.store_service.web.route import Call, Page
from tests.fakes.reviews import MemoryReviews

BodyT = TypeVar("BodyT")

ANA = Identity(UserId(uuid4()), "ana@example.com", Role.BUYER)
LAMP = ProductId(uuid4())


def call(body: BodyT) -> Call[BodyT]:
    return Call(identity=ANA, path_id=LAMP, query={"per_page": "5"}, body=body, address="127.0.0.1")


async def test_a_review_has_the_members_of_the_contract_and_stands_in_the_list() -> None:
    reviews = MemoryReviews()
    reviews.names[ANA.user_id] = "Ana"
    reviews.received.add((ANA.user_id, LAMP))
    handler = ReviewHandler(ReviewService(reviews, TimeOrderedIds()))
    written = await handler.write(call(CreateReviewBody(rating=5)))
    listed = await handler.page(call(None))
    json = msgspec.to_builtins(written)

    assert [*json] == [
        "id", "user_id", "user_name", "product_id", "rating", "comment", "created_at",
    ]  # fmt: skip
    assert (json["user_name"], json["rating"], json["comment"]) == ("Ana", 5, "")
    assert (listed.items, listed.page, listed.total) == ([written], Page(1, 5), 1)


def test_the_refusals_have_the_sentences_of_the_contract() -> None:
    refusals = [(type(each).code, each.message) for each in (NotPurchased(), AlreadyReviewed())]

    assert refusals == [
        ("FORBIDDEN", "you must purchase this product before reviewing"),
        ("CONFLICT", "you have already reviewed this product"),
    ]


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        (CreateReviewBody(), [("rating", "must be between 1 and 5")]),
        (CreateReviewBody(rating=6), [("rating", "must be between 1 and 5")]),
        (
            CreateReviewBody(rating=-1, comment="x" * 4001),
            [("rating", "must be between 1 and 5"), ("comment", "maximum 4000 characters")],
        ),
        (CreateReviewBody(rating=1, comment="a\0"), [("comment", "contains invalid characters")]),
    ],
)
def test_the_rules_of_a_review(body: CreateReviewBody, faults: list[tuple[str, str]]) -> None:
    with pytest.raises(InvalidFields) as refusal:
        check(body)

    assert [(fault.field, fault.message) for fault in refusal.value.faults] == faults
