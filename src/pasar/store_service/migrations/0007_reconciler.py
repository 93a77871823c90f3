"""
What the worker keeps in mind: when to look after a payment or a refund again, and that it lives.

An order of the earlier service that is still pending will never be paid by it: it gets a payment to
be called off, so that it ends as every other overdue order does.
"""

from alembic import op

revision = "0007"
down_revision = "0006"

UPGRADE = (
    # Constant defaults: a table of millions of payments is not rewritten.
    """
    ALTER TABLE payments
        ADD COLUMN void_wanted BOOLEAN NOT NULL DEFAULT false,
        ADD COLUMN checks INTEGER NOT NULL DEFAULT 0,
        ADD COLUMN next_check_at TIMESTAMPTZ NOT NULL DEFAULT now()
    """,
    """
    UPDATE payments p SET void_wanted = true
    FROM orders o
    WHERE o.id = p.order_id AND o.status = 'cancelled' AND p.status = 'pending'
    """,
    """
    INSERT INTO payments (order_id, amount, void_wanted)
    SELECT id, total_amount, true FROM orders WHERE adopted AND status = 'pending'
    ON CONFLICT (order_id) DO NOTHING
    """,
    "CREATE INDEX idx_payments_pending ON payments (next_check_at) WHERE status = 'pending'",
    """
    ALTER TABLE refunds
        ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0,
        ADD COLUMN next_at TIMESTAMPTZ NOT NULL DEFAULT now()
    """,
    "CREATE INDEX idx_refunds_pending ON refunds (next_at) WHERE status = 'pending'",
    "CREATE TABLE heartbeats (process TEXT PRIMARY KEY, at TIMESTAMPTZ NOT NULL)",
    "GRANT SELECT, INSERT, UPDATE ON heartbeats TO store_app",
)

DOWNGRADE = (
    "DROP TABLE heartbeats",
    "DROP INDEX idx_refunds_pending",
    "ALTER TABLE refunds DROP COLUMN next_at, DROP COLUMN attempts",
    "DROP INDEX idx_payments_pending",
    "DELETE FROM payments p USING orders o WHERE o.id = p.order_id AND o.adopted",
    """
    ALTER TABLE payments
        DROP COLUMN next_check_at, DROP COLUMN checks, DROP COLUMN void_wanted
    """,
)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
