"""What the operator's own passwords must be; those of clients are judged in `schemas.py`."""

from typing import Final

from pasar.kit.errors import Invalid
from pasar.kit.passwords import MAX_PASSWORD_BYTES

# The account that the contract's migration seeds, its password known to everybody (D50).
SEEDED_ADMIN_EMAIL: Final = "admin@example.com"
SEEDED_ADMIN_PASSWORD: Final = "admin123"  # noqa: S105  published, therefore refused

_ADMIN_LEAST_BYTES: Final = 8  # ASVS 6.2.1


def check_admin_password(password: str) -> None:
    """Raise Invalid unless the password may guard an admin."""
    size = len(password.encode())
    if size < _ADMIN_LEAST_BYTES:
        raise Invalid(f"minimum {_ADMIN_LEAST_BYTES} characters", field="password")
    if size > MAX_PASSWORD_BYTES:
        raise Invalid(f"maximum {MAX_PASSWORD_BYTES} bytes", field="password")
    if password == SEEDED_ADMIN_PASSWORD:
        raise Invalid("is known to everybody", field="password")
