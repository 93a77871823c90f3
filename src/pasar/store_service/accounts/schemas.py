"""Accounts in JSON: what comes in, by which rules, and what goes out."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Final
from uuid import UUID

import msgspec

from pasar.kit.passwords import MAX_PASSWORD_BYTES
from pasar.store_service.accounts.model import TokenPair, User
from pasar.store_service.accounts.rules import LONGEST_EMAIL
from pasar.store_service.web.fields import (
    Body,
    Described,
    Rule,
    at_least_bytes,
    at_most,
    at_most_bytes,
    not_blank,
    required,
)

# No stricter: `a@b..co` has always been an address here (contract 1.8).
_EMAIL: Final = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}", re.ASCII)
_COLUMN: Final = at_most(255)


email_shape: Final = Described(
    lambda value: None if _EMAIL.fullmatch(value) else "invalid email format",
    {"pattern": f"^{_EMAIL.pattern}$"},
)


class RegisterBody(Body, frozen=True):
    email: str = ""
    password: str = ""
    name: str = ""

    rules: ClassVar[Mapping[str, tuple[Rule, ...]]] = {
        "email": (required, email_shape, at_most(LONGEST_EMAIL)),
        "password": (required, at_least_bytes(6), at_most_bytes(MAX_PASSWORD_BYTES)),
        "name": (not_blank, _COLUMN),
    }


class LoginBody(Body, frozen=True):
    email: str = ""
    password: str = ""

    rules: ClassVar[Mapping[str, tuple[Rule, ...]]] = {
        "email": (required,),
        "password": (required,),
    }


class RefreshTokenBody(Body, frozen=True):
    refresh_token: str = ""

    rules: ClassVar[Mapping[str, tuple[Rule, ...]]] = {"refresh_token": (required,)}


class UserJson(msgspec.Struct, frozen=True):
    id: UUID
    email: str
    name: str
    role: str
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, user: User) -> "UserJson":
        return cls(
            user.id, user.email, user.name, user.role.value, user.created_at, user.updated_at
        )


class TokenPairJson(msgspec.Struct, frozen=True):
    access_token: str
    refresh_token: str

    @classmethod
    def of(cls, pair: TokenPair) -> "TokenPairJson":
        return cls(pair.access_token, pair.refresh_token)
