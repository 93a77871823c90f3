"""
What the hourly sweep needs, so that it finds what is of no more use without reading whole tables.

Block range indexes where rows arrive in the order of their time: they cost the writers nothing.
Besides, substrings are looked for in name and description at once, in lower case.
"""

from alembic import op

revision = "0009"
down_revision = "0008"

UPGRADE = (
    """
    ALTER TABLE refresh_tokens
        DROP CONSTRAINT refresh_tokens_parent_id_fkey,
        ADD CONSTRAINT refresh_tokens_parent_id_fkey FOREIGN KEY (parent_id)
            REFERENCES refresh_tokens (id) ON DELETE SET NULL
    """,
    "CREATE INDEX idx_outbox_created_at ON outbox USING brin (created_at)",
    "CREATE INDEX idx_inbox_at ON inbox USING brin (at)",
    "CREATE INDEX idx_login_failures_at ON login_failures USING brin (at)",
    "CREATE INDEX idx_refresh_tokens_expires_at ON refresh_tokens USING brin (expires_at)",
    "CREATE INDEX idx_refresh_families_created_at ON refresh_families USING brin (created_at)",
    "CREATE INDEX idx_products_hidden ON products (deleted_at) WHERE deleted_at IS NOT NULL",
    "CREATE INDEX idx_products_image_url ON products (image_url) WHERE image_url <> ''",
    "CREATE INDEX idx_stores_logo_url ON stores (logo_url) WHERE logo_url <> ''",
    "DROP INDEX idx_products_substring",
    """
    CREATE INDEX idx_products_substring ON products
        USING gin (lower(name || chr(31) || coalesce(description, '')) gin_trgm_ops)
        WHERE deleted_at IS NULL
    """,
    # Of a partial index the planner takes no statistics: it took every text for a rare one.
    """
    CREATE STATISTICS products_text
        ON (lower(name || chr(31) || coalesce(description, ''))) FROM products
    """,
    # Migrated addresses that differ in letter case only: registration looks here (contract D41).
    "CREATE INDEX idx_users_without_key ON users (lower(email)) WHERE email_key IS NULL",
)

DOWNGRADE = (
    "DROP STATISTICS products_text",
    "DROP INDEX idx_products_substring",
    """
    CREATE INDEX idx_products_substring ON products
        USING gin (name gin_trgm_ops, description gin_trgm_ops) WHERE deleted_at IS NULL
    """,
    """
    DROP INDEX idx_users_without_key, idx_stores_logo_url, idx_products_image_url,
        idx_products_hidden, idx_refresh_families_created_at, idx_refresh_tokens_expires_at,
        idx_login_failures_at, idx_inbox_at, idx_outbox_created_at
    """,
    """
    ALTER TABLE refresh_tokens
        DROP CONSTRAINT refresh_tokens_parent_id_fkey,
        ADD CONSTRAINT refresh_tokens_parent_id_fkey FOREIGN KEY (parent_id)
            REFERENCES refresh_tokens (id)
    """,
)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
