"""Reviews in PostgreSQL: who may write one is asked in the statement that writes it."""

from typing import Final

from pasar.kit.database import ConstraintViolated, Database, Row
from pasar.store_service.catalog.model import ProductId
from pasar.store_service.reviews.model import (
    AlreadyReviewed,
    NewReview,
    NotPurchased,
    Review,
    ReviewPage,
)
from pasar.store_service.reviews.repository import Reviews

# A part that was shipped never goes back, so the purchase cannot end while this runs. A second
# insert waits for the first in the unique index, then fails.
INSERT: Final = """
WITH written AS (
    INSERT INTO reviews (id, user_id, product_id, rating, comment)
    SELECT $1, $2, $3, $4, $5
    WHERE EXISTS (
        SELECT FROM orders o
        JOIN order_items i ON i.order_id = o.id
        JOIN fulfilments f ON f.order_id = o.id AND f.store_id = i.store_id
        JOIN products p ON p.id = i.product_id AND p.deleted_at IS NULL
        WHERE o.user_id = $2 AND i.product_id = $3 AND f.status IN ('shipped', 'completed'))
    RETURNING id, user_id, product_id, rating, comment, created_at
)
SELECT r.id, r.user_id, u.name AS user_name, r.product_id, r.rating, r.comment, r.created_at
FROM written r JOIN users u ON u.id = r.user_id
"""

# By idx_reviews_product_newest. Past the end one row is left, with the count; an unknown product
# has no row. Rows of the earlier service may hold NULL comments.
PAGE: Final = """
SELECT n.total, r.id, r.user_id, u.name AS user_name, r.product_id, r.rating,
    coalesce(r.comment, '') AS comment, r.created_at
FROM products p
CROSS JOIN LATERAL (SELECT count(*) AS total FROM reviews WHERE product_id = p.id) n
LEFT JOIN LATERAL (
    SELECT id, user_id, product_id, rating, comment, created_at
    FROM reviews
    WHERE product_id = p.id
    ORDER BY created_at DESC, id DESC
    LIMIT $2 OFFSET $3
) r ON true
LEFT JOIN users u ON u.id = r.user_id
WHERE p.id = $1 AND p.deleted_at IS NULL
ORDER BY r.created_at DESC, r.id DESC
"""


class PostgresReviews:
    def __init__(self, database: Database) -> None:
        self.database = database

    async def insert(self, new: NewReview) -> Review:
        values = (new.id, new.user_id, new.product_id, new.rating, new.comment)
        try:
            row = await self.database.fetch_one(INSERT, *values)
        except ConstraintViolated as violated:
            if violated.constraint == "reviews_user_id_product_id_key":
                raise AlreadyReviewed from violated
            raise
        if row is None:
            raise NotPurchased
        return _review(row)

    async def page(self, product_id: ProductId, limit: int, offset: int) -> ReviewPage:
        rows = await self.database.fetch(PAGE, product_id, limit, offset)
        return ReviewPage(
            tuple(_review(row) for row in rows if row["id"] is not None),
            total=rows[0]["total"] if rows else 0,
        )


def _review(row: Row) -> Review:
    return Review(
        id=row["id"],
        user_id=row["user_id"],
        user_name=row["user_name"],
        product_id=row["product_id"],
        rating=row["rating"],
        comment=row["comment"],
        created_at=row["created_at"],
    )


_: type[Reviews] = PostgresReviews
