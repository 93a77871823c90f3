"""
Three indexes of the earlier service go: every write paid for them, and no statement needs them.

Others begin with the same column (`idx_orders_user_newest`, `cart_items_one_line`) or hold the same
words and more (`idx_products_words`).
"""

from alembic import op

revision = "0010"
down_revision = "0009"

UPGRADE = (
    # An operator of the earlier service may have dropped one before us.
    "DROP INDEX IF EXISTS idx_orders_user_id, idx_cart_items_user_id, idx_products_name_search",
)

DOWNGRADE = (
    "CREATE INDEX idx_products_name_search ON products USING gin (to_tsvector('english', name))",
    "CREATE INDEX idx_cart_items_user_id ON cart_items (user_id)",
    "CREATE INDEX idx_orders_user_id ON orders (user_id)",
)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
