"""Refunds owed: one row an order whose money was taken and which is cancelled all the same."""

from alembic import op

revision = "0006"
down_revision = "0005"

UPGRADE = (
    """
    CREATE TABLE refunds (
        id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
        order_id UUID NOT NULL CONSTRAINT refunds_order_id_unique UNIQUE REFERENCES orders (id),
        amount DECIMAL(15, 2) NOT NULL CONSTRAINT refunds_amount_not_negative CHECK (amount >= 0),
        status VARCHAR(10) NOT NULL DEFAULT 'pending' CONSTRAINT refunds_status_known
            CHECK (status IN ('pending', 'success')),
        created_at TIMESTAMPTZ NOT NULL DEFAULT now()
    )
    """,
    "GRANT SELECT, INSERT, UPDATE ON refunds TO store_app",
)

DOWNGRADE = ("DROP TABLE refunds",)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
