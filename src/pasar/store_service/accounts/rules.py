"""
Rules beyond the contract's field rules in `schemas.py`.

What new passwords must be; which account a login tries.
"""

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from pasar.kit.errors import Invalid
from pasar.kit.passwords import MAX_PASSWORD_BYTES

# The account that the contract's migration seeds, its password known to everybody (D50).
SEEDED_ADMIN_EMAIL: Final = "admin@example.com"
SEEDED_ADMIN_PASSWORD: Final = "admin123"  # noqa: S105  published

LONGEST_EMAIL: Final = 255  # characters, of the column

_STRONG_BYTES: Final = 8  # ASVS 6.2.1; the list is its 6.2.4

# Their source and its licence stand beside them.
_COMMONEST: Final = frozenset(
    (files("pasar.store_service.accounts") / "common_passwords.txt")
    .read_text(encoding="ascii")
    .split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordRule:
    """New passwords have `least_bytes` of UTF-8; letter case makes no common one uncommon."""

    least_bytes: int
    refuse_common: bool

    def check(self, password: str) -> None:
        """Raise Invalid for a password that may not guard an account."""
        size = len(password.encode())
        if size < self.least_bytes:
            raise Invalid(f"minimum {self.least_bytes} characters", field="password")
        if size > MAX_PASSWORD_BYTES:
            raise Invalid(f"maximum {MAX_PASSWORD_BYTES} bytes", field="password")
        if self.refuse_common and password.lower() in _COMMONEST:
            raise Invalid("is one of the commonest", field="password")


STRONG: Final = PasswordRule(least_bytes=_STRONG_BYTES, refuse_common=True)
"""For admins, and in production for everybody."""


def account_tried(email: str) -> str:
    """Return the address; for one too long for any account something short that nobody has."""
    if len(email) <= LONGEST_EMAIL:
        return email
    return hashlib.sha256(email.lower().encode()).hexdigest()
