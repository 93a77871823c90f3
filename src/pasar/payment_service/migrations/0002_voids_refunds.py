"""
Refunds, one per order, and the index by which all charges are listed.

The service may not delete a refund: it is what keeps an order's money from going back twice.
"""

from alembic import op

revision = "0002"
down_revision = "0001"

UPGRADE = (
    """
    CREATE TABLE payment.refunds (
        id UUID PRIMARY KEY,
        order_id TEXT NOT NULL CONSTRAINT refunds_order_id_unique UNIQUE,
        amount DECIMAL(15, 2) NOT NULL CONSTRAINT refunds_amount_not_negative CHECK (amount >= 0),
        status TEXT NOT NULL DEFAULT 'pending'
            CONSTRAINT refunds_status_known CHECK (status IN ('pending', 'success')),
        created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
    )
    """,
    "GRANT SELECT, INSERT, UPDATE ON payment.refunds TO payment_app",
    "CREATE INDEX idx_charges_updated_at ON payment.charges (updated_at, order_id)",
)

DOWNGRADE = (
    "DROP INDEX payment.idx_charges_updated_at",
    "DROP TABLE payment.refunds",
)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
