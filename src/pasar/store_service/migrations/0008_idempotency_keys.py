"""Idempotency keys: what a client named, what came of it, and the answer that said so."""

from alembic import op

revision = "0008"
down_revision = "0007"

UPGRADE = (
    """
    CREATE TABLE idempotency_keys (
        user_id UUID NOT NULL,
        route VARCHAR(100) NOT NULL,
        key VARCHAR(255) NOT NULL,
        body_sha256 BYTEA NOT NULL,
        resource_id UUID NOT NULL CONSTRAINT idempotency_keys_resource_id_unique UNIQUE,
        status SMALLINT NOT NULL,
        response BYTEA NOT NULL,
        created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        CONSTRAINT idempotency_keys_pkey PRIMARY KEY (user_id, route, key)
    )
    """,
    # For the sweep of those that are too old to be found.
    "CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at)",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO store_app",
)

DOWNGRADE = ("DROP TABLE idempotency_keys",)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
