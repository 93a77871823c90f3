"""How to log in to PostgreSQL and what a session may do there, without the driver."""

from dataclasses import dataclass
from typing import Literal

SslMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresSettings:
    """
    Where the database is and what a session may do there.

    `role` is taken at connect, so that a process logged in as the owner has no more rights than its
    service; `none` keeps those of the login.
    """

    host: str
    port: int
    user: str
    password: str
    database: str
    sslmode: SslMode
    role: str
    search_path: str
    application_name: str
    pool_size: int
    pool_wait_s: float
    connect_timeout_s: float
    statement_timeout_s: float
    lock_timeout_s: float
    idle_tx_timeout_s: float

    def session(self) -> dict[str, str]:
        """Return what a session sets at its start, in the connection's first packet."""
        return {
            "application_name": self.application_name,
            "role": self.role,
            "search_path": self.search_path,
            "statement_timeout": f"{self.statement_timeout_s * 1000:.0f}",
            "lock_timeout": f"{self.lock_timeout_s * 1000:.0f}",
            "idle_in_transaction_session_timeout": f"{self.idle_tx_timeout_s * 1000:.0f}",
            "default_transaction_isolation": "read committed",
            "timezone": "UTC",
            "jit": "off",  # compiling takes longer than any statement here runs
            "plan_cache_mode": "force_generic_plan",  # ADR 24: planned once per connection
            # ADR 29: planned perhaps while the table was empty. Who takes no role reads all.
            "enable_seqscan": "on" if self.role == "none" else "off",
        }
