"""What new passwords must be beyond what the contract's field rules in `schemas.py` ask."""

from typing import Final

from pasar.kit.errors import Invalid
from pasar.kit.passwords import MAX_PASSWORD_BYTES

# The account that the contract's migration seeds, its password known to everybody (D50).
SEEDED_ADMIN_EMAIL: Final = "admin@example.com"
SEEDED_ADMIN_PASSWORD: Final = "admin123"  # noqa: S105  published, therefore refused

STRONG_PASSWORD_BYTES: Final = 8  # ASVS 6.2.1; of admins, and in production of everybody


def check_length(password: str, least_bytes: int) -> None:
    """Raise Invalid for a password of fewer UTF-8 bytes."""
    if len(password.encode()) < least_bytes:
        raise Invalid(f"minimum {least_bytes} characters", field="password")


def check_admin_password(password: str) -> None:
    """Raise Invalid unless the password may guard an admin."""
    check_length(password, STRONG_PASSWORD_BYTES)
    if len(password.encode()) > MAX_PASSWORD_BYTES:
        raise Invalid(f"maximum {MAX_PASSWORD_BYTES} bytes", field="password")
    if password == SEEDED_ADMIN_PASSWORD:
        raise Invalid("is known to everybody", field="password")
