"""An account, what a login leaves behind, and what can be wrong with both."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pasar.kit.errors import Conflict, Unauthorized
from pasar.store_service.identity import Role, UserId


class EmailTaken(Conflict):
    """The address, in whatever letter case, belongs to an account."""

    def __init__(self) -> None:
        super().__init__("email already registered")


class BadCredentials(Unauthorized):
    """Unknown address, wrong password or disabled account: nobody is told which."""

    def __init__(self) -> None:
        super().__init__("invalid email or password")


@dataclass(frozen=True, slots=True)
class User:
    """What anybody may see of an account; `email` is spelled as it was registered."""

    id: UserId
    email: str
    name: str
    role: Role
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Account:
    """
    What a login is judged by.

    Raising `token_version` ends every token that was issued before.
    """

    user: User
    password_hash: str
    token_version: int
    disabled: bool


@dataclass(frozen=True, slots=True)
class NewUser:
    id: UserId
    email: str
    name: str
    role: Role
    password_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """
    A refresh family with its first refresh token, of which only the hash is kept.

    `role` and the two `jti` are what the tokens say; `address` is the client's.
    """

    family_id: UUID
    user_id: UserId
    token_version: int
    address: str
    refresh_jti: UUID
    access_jti: UUID
    token_sha256: bytes
    role: Role
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class TokenPair:
    access_token: str
    refresh_token: str
