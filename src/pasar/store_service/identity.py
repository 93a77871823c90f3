"""Who calls, without a word of HTTP or JWT."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType
from uuid import UUID

UserId = NewType("UserId", UUID)


class Role(StrEnum):
    BUYER = "buyer"
    SELLER = "seller"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Identity:
    """The caller as the token says; the role in force is the token's (contract section 3)."""

    user_id: UserId
    email: str
    role: Role
