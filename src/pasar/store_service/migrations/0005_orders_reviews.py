"""
Indexes that the pages of orders and reviews are read by, newest first, and the times they need.

A store's part of an order now bears the time of the order, so that one index serves its seller.
"""

from alembic import op

revision = "0005"
down_revision = "0004"

UPGRADE = (
    # Rows of the earlier service may lack times; a page is sorted by them.
    """
    UPDATE orders SET
        created_at = coalesce(created_at, updated_at, now()),
        updated_at = coalesce(updated_at, created_at, now())
    WHERE created_at IS NULL OR updated_at IS NULL
    """,
    """
    ALTER TABLE orders ALTER COLUMN created_at SET NOT NULL, ALTER COLUMN updated_at SET NOT NULL
    """,
    "UPDATE reviews SET created_at = coalesce(updated_at, now()) WHERE created_at IS NULL",
    "ALTER TABLE reviews ALTER COLUMN created_at SET NOT NULL",
    # Checkout leaves both defaults alone, so they are the same moment.
    "ALTER TABLE fulfilments ADD COLUMN ordered_at TIMESTAMPTZ NOT NULL DEFAULT now()",
    """
    UPDATE fulfilments f SET ordered_at = o.created_at,
        updated_at = CASE WHEN o.adopted THEN o.updated_at ELSE f.updated_at END
    FROM orders o
    WHERE o.id = f.order_id
    """,
    "CREATE INDEX idx_fulfilments_store_newest ON fulfilments (store_id, ordered_at, order_id)",
    "CREATE INDEX idx_reviews_product_newest ON reviews (product_id, created_at, id)",
)

DOWNGRADE = (
    "DROP INDEX idx_reviews_product_newest, idx_fulfilments_store_newest",
    "ALTER TABLE fulfilments DROP COLUMN ordered_at",
    "ALTER TABLE reviews ALTER COLUMN created_at DROP NOT NULL",
    """
    ALTER TABLE orders ALTER COLUMN created_at DROP NOT NULL, ALTER COLUMN updated_at DROP NOT NULL
    """,
)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
