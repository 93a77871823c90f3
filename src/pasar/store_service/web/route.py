"""
What a row of `routes.py` may say, and the `Call` that a handler is given.

A row is data: routing, access, limits, body rules and the API description are all read from it.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Generic, TypeVar
from uuid import UUID

from pasar.kit.errors import PasarError
from pasar.store_service.identity import Identity, Role
from pasar.store_service.web.fields import Body, Parameter

BodyT_co = TypeVar("BodyT_co", covariant=True)


class Limit(StrEnum):
    """The limiter classes of contract section 4; the value is part of the bucket's Redis key."""

    LOGIN = "login"
    PUBLIC = "public"
    AUTH = "auth"


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call: without `token` everybody, else whoever has one, of `role` if that is given."""

    role: Role | None
    token: bool = True


PUBLIC = Access(None, token=False)
SIGNED_IN = Access(None)
BUYER = Access(Role.BUYER)
SELLER = Access(Role.SELLER)
ADMIN = Access(Role.ADMIN)


@dataclass(frozen=True, slots=True)
class Page:
    """Which slice of a list the client asked for; `number` counts from 1."""

    number: int
    size: int

    @property
    def offset(self) -> int:
        """Return how many rows stand before this page."""
        return (self.number - 1) * self.size


@dataclass(frozen=True, slots=True)
class Call(Generic[BodyT_co]):
    """
    One request, checked as its row demands: what a handler may know of it.

    `body` is the row's Body (None without one), `query` the first value of each parameter,
    `address` the client's as the limiters count it.
    """

    identity: Identity | None
    path_id: UUID | None
    query: Mapping[str, str]
    body: BodyT_co
    address: str

    @property
    def caller(self) -> Identity:
        """The caller of a protected route. Raises LookupError on a public one: a wrong row."""
        if self.identity is None:
            raise LookupError
        return self.identity

    @property
    def id(self) -> UUID:
        """The id in the path. Raises LookupError when the row's path has none: a wrong row."""
        if self.path_id is None:
            raise LookupError
        return self.path_id


Handler = Callable[[Any, Call[Any]], Awaitable[Any]]
"""An unbound method of a feature's handler class: (handler, call) → the row's answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """
    One row: the method and path, who may call it, and what goes in and comes out.

    `path_id` names the thing whose id stands in the path: a malformed one is answered with
    `invalid <path_id> id`. `query` are the parameters it reads; `upload` names the file of a form,
    and the handler's `body` is then a ReadUpload. `refusals` are the errors of step 8 of the
    contract's order of checks, and `fault` is what a client reads when the work fails as nobody
    foresaw (6.3). `private` answers carry
    `Cache-Control: no-store` (contract D53).
    """

    method: str
    path: str
    handler: Handler
    access: Access
    limits: tuple[Limit, ...] = ()
    path_id: str | None = None
    query: tuple[Parameter, ...] = ()
    body: type[Body] | None = None
    upload: str | None = None
    answer: Any
    status: HTTPStatus = HTTPStatus.OK
    refusals: tuple[type[PasarError], ...] = ()
    fault: str = "internal server error"
    private: bool = False

    @property
    def keyed(self) -> bool:
        """Whether it takes an Idempotency-Key: whatever creates something under a token does."""
        return self.access.token and self.status == HTTPStatus.CREATED
