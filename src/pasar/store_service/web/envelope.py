"""
The one shape of every answer, `data` or `errors` beside `meta`, and the status of every error.

Also the `Exchange`: what the middleware knows of a request before anybody has looked at it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import ClassVar, Final, Generic, TypeVar, cast

import msgspec
from starlette.types import Send

from pasar.kit.errors import Invalid, InvalidFields, PasarError, RateLimited, Unavailable
from pasar.kit.idempotency import KeyInUse
from pasar.store_service.web.route import Page

STATUS: Final[Mapping[str, HTTPStatus]] = {
    "VALIDATION_ERROR": HTTPStatus.BAD_REQUEST,
    "INVALID_STATUS": HTTPStatus.BAD_REQUEST,
    "UNAUTHORIZED": HTTPStatus.UNAUTHORIZED,
    "FORBIDDEN": HTTPStatus.FORBIDDEN,
    "NOT_FOUND": HTTPStatus.NOT_FOUND,
    "CONFLICT": HTTPStatus.CONFLICT,
    "IDEMPOTENCY_KEY_REUSED": HTTPStatus.UNPROCESSABLE_ENTITY,
    "RATE_LIMITED": HTTPStatus.TOO_MANY_REQUESTS,
    "INTERNAL_ERROR": HTTPStatus.INTERNAL_SERVER_ERROR,
    "SERVICE_UNAVAILABLE": HTTPStatus.SERVICE_UNAVAILABLE,
    "REQUEST_TIMEOUT": HTTPStatus.GATEWAY_TIMEOUT,
}

Header = tuple[bytes, bytes]
ItemT = TypeVar("ItemT")


class HttpFault(Invalid):
    """A fault that only HTTP knows: its status is narrower than its code's."""

    status: ClassVar[HTTPStatus]


class MethodNotAllowed(HttpFault):
    status = HTTPStatus.METHOD_NOT_ALLOWED

    def __init__(self, allow: str) -> None:
        super().__init__("method not allowed")
        self.allow = allow


class BodyTooLarge(HttpFault):
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE

    def __init__(self) -> None:
        super().__init__("request body too large")


class HeadTooLarge(HttpFault):
    """The request line and headers; the earlier service knew this status too."""

    status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE

    def __init__(self) -> None:
        super().__init__("request header fields too large")


@dataclass(slots=True)
class Exchange:
    """
    One request and its answer; `scope["exchange"]` of every request.

    `address` is the client's, without port. `headers` go out with the answer, whatever it will be;
    `status` is 0 until the answer has begun. `route` is the matched row's method and path.
    """

    request_id: str
    started_at: datetime
    address: str
    headers: list[Header] = field(default_factory=list[Header])
    status: int = 0
    route: tuple[str, str] = ("-", "-")

    def set_header(self, name: bytes, value: bytes) -> None:
        """Put this value in place of what every answer would bear."""
        self.headers = [each for each in self.headers if each[0] != name] + [(name, value)]


class Paged(msgspec.Struct, Generic[ItemT], frozen=True):
    """The answer of a paginated list: one page, and how many rows match in all."""

    items: Sequence[ItemT]
    page: Page
    total: int


class Message(msgspec.Struct, frozen=True):
    """The answer of a route that has nothing to show but that it was done."""

    message: str


class Pagination(msgspec.Struct, frozen=True):
    current_page: int
    per_page: int
    total_items: int
    total_pages: int


class Meta(msgspec.Struct, frozen=True, omit_defaults=True):
    request_id: str
    timestamp: datetime
    pagination: Pagination | None = None


class Success(msgspec.Struct, frozen=True):
    data: object
    meta: Meta


class Fault(msgspec.Struct, frozen=True, omit_defaults=True):
    code: str
    message: str
    field: str | None = None


class Failure(msgspec.Struct, frozen=True):
    errors: list[Fault]
    meta: Meta


_JSON: Final[Header] = (b"content-type", b"application/json")
_encode: Final = msgspec.json.Encoder().encode


def success(exchange: Exchange, answer: object) -> bytes:
    """Wrap a handler's answer: Structs, sequences of them, a Paged, or `msgspec.Raw` JSON."""
    if not isinstance(answer, Paged):
        return _encode(Success(answer, _meta(exchange)))
    listed = cast("Paged[object]", answer)
    return _encode(Success(listed.items, _meta(exchange, _pagination(listed.page, listed.total))))


def failure(exchange: Exchange, error: PasarError) -> bytes:
    """Wrap an error."""
    return _encode(Failure(faults_of(error), _meta(exchange)))


def faults_of(error: PasarError) -> list[Fault]:
    """Return what a client reads of an error; field faults give one entry each."""
    faults = error.faults if isinstance(error, InvalidFields) else (error,)
    return [Fault(fault.code, fault.message, fault.field) for fault in faults]


def status_of(error: PasarError) -> HTTPStatus:
    return error.status if isinstance(error, HttpFault) else STATUS[error.code]


def headers_of(error: PasarError) -> list[Header]:
    """Return what a client needs besides the body to do better next time."""
    match error:
        case RateLimited() | Unavailable() | KeyInUse():
            return [(b"retry-after", b"%d" % error.retry_after_s)]
        case MethodNotAllowed():
            return [(b"allow", error.allow.encode())]
        case _:
            return []


async def begin_answer(
    send: Send, exchange: Exchange, status: int, headers: Sequence[Header]
) -> None:
    """Begin the answer, with what every answer to this request bears."""
    exchange.status = int(status)
    headers = [*headers, *exchange.headers]
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def respond(send: Send, exchange: Exchange, status: int, body: bytes) -> None:
    """Send a whole JSON answer; the server leaves the body out when the method is HEAD."""
    length = (b"content-length", b"%d" % len(body))
    await begin_answer(send, exchange, status, (_JSON, length))
    await send({"type": "http.response.body", "body": body})


def _meta(exchange: Exchange, pagination: Pagination | None = None) -> Meta:
    return Meta(exchange.request_id, exchange.started_at.replace(microsecond=0), pagination)


def _pagination(page: Page, total: int) -> Pagination:
    return Pagination(page.number, page.size, total, -(-total // page.size))
