"""
The payment service's own schema: charges, the mock bank's ledger, outbox, dead letters.

The role `payment_app`, as which the service runs, sees nothing outside this schema and may only
add to the bank's ledger.
"""

from alembic import op

revision = "0001"
down_revision = None

UPGRADE = (
    """
    CREATE TABLE payment.charges (
        order_id TEXT PRIMARY KEY,
        payment_id TEXT NOT NULL CONSTRAINT charges_payment_id_unique UNIQUE,
        method TEXT NOT NULL,
        amount DECIMAL(15, 2) NOT NULL CONSTRAINT charges_amount_not_negative CHECK (amount >= 0),
        currency VARCHAR(3) NOT NULL,
        status TEXT NOT NULL CONSTRAINT charges_status_known CHECK (status IN (
            'pending', 'success', 'failed', 'voided')),
        reason TEXT,
        request_id TEXT NOT NULL DEFAULT '',
        attempts INTEGER NOT NULL DEFAULT 0,
        next_at TIMESTAMPTZ NOT NULL,
        created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
    ) WITH (fillfactor = 80)
    """,
    "CREATE INDEX idx_charges_pending ON payment.charges (next_at) WHERE status = 'pending'",
    """
    CREATE TABLE payment.provider_ledger (
        key TEXT PRIMARY KEY,
        kind TEXT NOT NULL CONSTRAINT provider_ledger_kind_known
            CHECK (kind IN ('charge', 'refund')),
        order_id TEXT NOT NULL,
        amount DECIMAL(15, 2) NOT NULL,
        approved BOOLEAN NOT NULL,
        reason TEXT,
        at TIMESTAMPTZ NOT NULL DEFAULT now()
    )
    """,
    "CREATE INDEX idx_provider_ledger_order_id ON payment.provider_ledger (order_id)",
    """
    CREATE TABLE payment.outbox (
        id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        message_id UUID NOT NULL UNIQUE,
        topic TEXT NOT NULL,
        aggregate_id TEXT NOT NULL,
        payload JSONB NOT NULL,
        created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        sent_at TIMESTAMPTZ,
        attempts INTEGER NOT NULL DEFAULT 0,
        next_at TIMESTAMPTZ NOT NULL DEFAULT now()
    )
    """,
    "CREATE INDEX idx_outbox_unsent ON payment.outbox (id) WHERE sent_at IS NULL",
    "CREATE INDEX idx_outbox_aggregate_id ON payment.outbox (aggregate_id)",
    """
    CREATE TABLE payment.inbox (
        consumer TEXT NOT NULL,
        message_id UUID NOT NULL,
        at TIMESTAMPTZ NOT NULL DEFAULT now(),
        PRIMARY KEY (consumer, message_id)
    )
    """,
    """
    CREATE TABLE payment.dead_letters (
        id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        topic TEXT NOT NULL,
        body BYTEA NOT NULL,
        error TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        at TIMESTAMPTZ NOT NULL DEFAULT now()
    )
    """,
    """
    DO $$ BEGIN
        CREATE ROLE payment_app NOLOGIN;
    EXCEPTION WHEN duplicate_object OR unique_violation OR insufficient_privilege THEN
        NULL;  -- roles belong to the server: another database, or its keeper, was first
    END $$
    """,
    """
    DO $$ BEGIN
        IF NOT pg_has_role(current_user, 'payment_app', 'SET') THEN
            GRANT payment_app TO CURRENT_USER;
        END IF;
    END $$
    """,
    "GRANT USAGE ON SCHEMA payment TO payment_app",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA payment TO payment_app",
    "REVOKE UPDATE, DELETE ON payment.provider_ledger FROM payment_app",
    "REVOKE INSERT, UPDATE, DELETE ON payment.alembic_version FROM payment_app",
)

DOWNGRADE = (
    "REVOKE ALL ON ALL TABLES IN SCHEMA payment FROM payment_app",
    "REVOKE USAGE ON SCHEMA payment FROM payment_app",
    """
    DROP TABLE payment.dead_letters, payment.inbox, payment.outbox, payment.provider_ledger,
        payment.charges
    """,
)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
