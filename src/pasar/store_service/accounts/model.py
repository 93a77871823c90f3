"""An account, what a login leaves behind, and what can be wrong with both."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pasar.kit.errors import Conflict, RateLimited, Unauthorized
from pasar.store_service.identity import Role, UserId


class EmailTaken(Conflict):
    """The address, in whatever letter case, belongs to an account."""

    def __init__(self) -> None:
        super().__init__("email already registered")


class BadCredentials(Unauthorized):
    """Unknown address, wrong password or disabled account: nobody is told which."""

    def __init__(self) -> None:
        super().__init__("invalid email or password")


class BadRefreshToken(Unauthorized):
    """Forged, expired, of the wrong kind, used up or revoked: nobody is told which."""

    def __init__(self) -> None:
        super().__init__("invalid refresh token")


class TooManyFailures(RateLimited):
    """The account's window of failed logins is full, whether there is such an account or not."""


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
class Issue:
    """What a pair of tokens says beside the account: enough to make the very same pair again."""

    refresh_jti: UUID
    access_jti: UUID
    role: Role
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class TokenPair:
    access_token: str
    refresh_token: str


@dataclass(frozen=True, slots=True)
class Presented:
    """A refresh token that a client showed, as its row knows it."""

    jti: UUID
    sha256: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """
    A refresh family with its first pair, of whose refresh token only the hash is kept.

    `address` is the client's, as the limiters count it.
    """

    family_id: UUID
    user_id: UserId
    token_version: int
    address: str
    issue: Issue
    token_sha256: bytes
