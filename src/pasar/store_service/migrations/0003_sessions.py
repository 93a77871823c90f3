"""
When an account's sessions were last ended, and the failed logins of each account.

Families are looked up by account and address when somebody logs in, accounts by the time of their
last end by every web process.
"""

from alembic import op

revision = "0003"
down_revision = "0002"

UPGRADE = (
    "ALTER TABLE users ADD COLUMN sessions_revoked_at TIMESTAMPTZ",
    """
    CREATE INDEX idx_users_sessions_revoked_at ON users (sessions_revoked_at)
        WHERE sessions_revoked_at IS NOT NULL
    """,
    """
    CREATE TABLE login_failures (
        id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        account_key BYTEA NOT NULL,
        address_key TEXT NOT NULL,
        at TIMESTAMPTZ NOT NULL DEFAULT now()
    )
    """,
    "CREATE INDEX idx_login_failures_account_key ON login_failures (account_key, at)",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON login_failures TO store_app",
)

DOWNGRADE = (
    "DROP TABLE login_failures",
    "ALTER TABLE users DROP COLUMN sessions_revoked_at",
)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
