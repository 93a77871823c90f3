"""
What finding products needs: trigrams for substrings, a weighted text vector, one index per order.

No index holds stock or version, so that a sale stays a heap-only update. Times of catalogue rows
are real from here on, and a deleted product lets go of its category, which may then go too.
"""

from alembic import op

revision = "0004"
down_revision = "0003"

UPGRADE = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",  # a trusted one: the database's owner may
    """
    UPDATE stores SET created_at = coalesce(created_at, updated_at, now()),
        updated_at = coalesce(updated_at, created_at, now())
    WHERE created_at IS NULL OR updated_at IS NULL
    """,
    """
    UPDATE categories SET created_at = coalesce(created_at, updated_at, now()),
        updated_at = coalesce(updated_at, created_at, now())
    WHERE created_at IS NULL OR updated_at IS NULL
    """,
    """
    UPDATE products SET created_at = coalesce(created_at, updated_at, now()),
        updated_at = coalesce(updated_at, created_at, now())
    WHERE created_at IS NULL OR updated_at IS NULL
    """,
    """
    ALTER TABLE stores
        ALTER COLUMN created_at SET NOT NULL,
        ALTER COLUMN updated_at SET NOT NULL
    """,
    """
    ALTER TABLE categories
        ALTER COLUMN created_at SET NOT NULL,
        ALTER COLUMN updated_at SET NOT NULL
    """,
    """
    ALTER TABLE products
        ALTER COLUMN created_at SET NOT NULL,
        ALTER COLUMN updated_at SET NOT NULL,
        ALTER COLUMN category_id DROP NOT NULL,
        ADD CONSTRAINT products_category_unless_deleted
            CHECK (category_id IS NOT NULL OR deleted_at IS NOT NULL),
        ADD COLUMN words TSVECTOR NOT NULL GENERATED ALWAYS AS (
            setweight(to_tsvector('english', name), 'A')
            || setweight(to_tsvector('english', coalesce(description, '')), 'B')) STORED
    """,
    """
    CREATE INDEX idx_products_substring ON products
        USING gin (name gin_trgm_ops, description gin_trgm_ops) WHERE deleted_at IS NULL
    """,
    "CREATE INDEX idx_products_words ON products USING gin (words) WHERE deleted_at IS NULL",
    "CREATE INDEX idx_products_newest ON products (created_at, id) WHERE deleted_at IS NULL",
    "CREATE INDEX idx_products_price ON products (price, id) WHERE deleted_at IS NULL",
    "CREATE INDEX idx_products_name ON products (name, id) WHERE deleted_at IS NULL",
)

# The extension stays: others may use it. Deleted products come back with the first downgrade to a
# schema that knows no deletion, so they need some category again.
DOWNGRADE = (
    """
    INSERT INTO categories (name)
    SELECT 'deleted products' WHERE EXISTS (SELECT FROM products WHERE category_id IS NULL)
    ON CONFLICT (name) DO NOTHING
    """,
    """
    UPDATE products SET category_id = c.id FROM categories c
    WHERE category_id IS NULL AND c.name = 'deleted products'
    """,
    """
    DROP INDEX idx_products_name, idx_products_price, idx_products_newest, idx_products_words,
        idx_products_substring
    """,
    """
    ALTER TABLE products
        DROP COLUMN words,
        DROP CONSTRAINT products_category_unless_deleted,
        ALTER COLUMN category_id SET NOT NULL,
        ALTER COLUMN created_at DROP NOT NULL,
        ALTER COLUMN updated_at DROP NOT NULL
    """,
    """
    ALTER TABLE categories
        ALTER COLUMN created_at DROP NOT NULL,
        ALTER COLUMN updated_at DROP NOT NULL
    """,
    """
    ALTER TABLE stores
        ALTER COLUMN created_at DROP NOT NULL,
        ALTER COLUMN updated_at DROP NOT NULL
    """,
)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
