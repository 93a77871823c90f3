"""
What a row may answer, for the API description: its success, and every failure with its examples.

What can go wrong is listed in the order in which the pipeline judges it (contract 1.6).
"""

from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final, get_args, get_origin

import msgspec

from pasar.kit.errors import (
    Forbidden,
    Invalid,
    InvalidFields,
    KeyReused,
    PasarError,
    RateLimited,
    TimedOut,
    Unauthorized,
    Unavailable,
)
from pasar.kit.idempotency import KeyInUse
from pasar.store_service.web.envelope import (
    BodyTooLarge,
    Failure,
    HeadTooLarge,
    Paged,
    Pagination,
    faults_of,
    status_of,
)
from pasar.store_service.web.examples import ID, TIME, error_of, example_of
from pasar.store_service.web.fields import NO_NUL, Body, check
from pasar.store_service.web.idempotency import BadKey
from pasar.store_service.web.middleware import SECURITY_HEADERS
from pasar.store_service.web.openapi_schemas import REF, Schema, schema_of
from pasar.store_service.web.route import PUBLIC, Route

Json = Mapping[str, object]

_META: Final[Json] = {"request_id": str(ID), "timestamp": TIME}
_PAGE: Final = Pagination(current_page=1, per_page=10, total_items=1, total_pages=1)
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_SECURITY: Final = {name.decode().title(): value.decode() for name, value in SECURITY_HEADERS}
_LIMITED: Final = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
_LATER: Final = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
_REPLAYED: Final = "Idempotency-Replayed"

HEADERS: Final[Mapping[str, Json]] = {
    name: {"description": about, "schema": schema}
    for name, about, schema in [
        ("X-Request-ID", "the request's own if it was usable, else a new one", {"type": "string"}),
        ("X-RateLimit-Limit", "requests a minute in the tightest bucket", _COUNT),
        ("X-RateLimit-Remaining", "how many of them are left", _COUNT),
        ("X-RateLimit-Reset", "Unix second at which a slot frees", _COUNT),
        ("Retry-After", "seconds after which to try again", {"type": "integer", "minimum": 1}),
        ("Cache-Control", "the answer is for the caller alone", {"const": "no-store"}),
        (_REPLAYED, "the answer was stored by an earlier request with this key", {"const": "true"}),
        *((name, "for browsers", {"const": value}) for name, value in _SECURITY.items()),
    ]
}


class Failures:
    """Failures by name, each kept once: most rows fail alike."""

    def __init__(self) -> None:
        self.components: dict[str, Json] = {}

    def refer(self, status: HTTPStatus, response: Json) -> Json:
        """Return a reference to the response, which is named after its status."""
        name = status.phrase.title().replace(" ", "").replace("-", "")
        names = (f"{name}{n or ''}" for n in range(len(self.components) + 1))
        chosen = next(n for n in names if self.components.setdefault(n, response) == response)
        return {"$ref": f"#/components/responses/{chosen}"}


def responses(row: Route, links: Json, shared: Failures) -> Json:
    """Return the row's answers by status. Raises KeyError for a refusal without an example."""
    failures: dict[HTTPStatus, list[PasarError]] = {}
    for error in _errors(row):
        failures.setdefault(status_of(error), []).append(error)
    success = _success(row)
    told = {row.status: {**success, "links": links} if links else success}
    for status, errors in sorted(failures.items()):
        told[status] = shared.refer(status, _failure(row, status, errors))
    return {str(status.value): response for status, response in told.items()}


def page_item(answer: Any) -> Any:
    """Return what the pages of a paginated list hold; None for any other answer."""
    return get_args(answer)[0] if get_origin(answer) is Paged else None


def _errors(row: Route) -> Iterator[PasarError]:
    if row.access != PUBLIC:
        yield Unauthorized("missing authorization header")
        yield Unauthorized("invalid authorization format")
        yield Unauthorized("invalid or expired token")
    if row.access.role is not None:
        yield Forbidden("insufficient permissions")
    if row.limits:
        yield RateLimited(1)
    if row.access != PUBLIC:
        yield Unauthorized("invalid user")
    if row.path_id:
        yield Invalid(f"invalid {row.path_id} id")
    yield from (Invalid(NO_NUL, field=each.name) for each in row.query if each.type is str)
    if row.body:
        yield from (Invalid("invalid request body"), BodyTooLarge(), *_field_faults(row.body))
    if row.upload:
        yield Invalid(f"{row.upload} file is required")
    if row.keyed:
        yield from (BadKey(), KeyInUse(), KeyReused())
    yield from map(error_of, row.refusals)
    yield from (HeadTooLarge(), PasarError(row.fault), Unavailable(), TimedOut())


def _field_faults(body: type[Body]) -> Iterator[InvalidFields]:
    """Yield what an empty body is told, if anything."""
    try:
        check(body())
    except InvalidFields as faults:
        yield faults


def _success(row: Route) -> Json:
    item = page_item(row.answer)
    meta: Schema = {"$ref": REF.format(name="Meta")}
    if item is None:
        data, example, told = schema_of(row.answer), example_of(row.answer), _META
    else:
        data, example = {"type": "array", "items": schema_of(item)}, [example_of(item)]
        meta |= {"required": ["pagination"]}
        told = {**_META, "pagination": msgspec.to_builtins(_PAGE)}
    schema = {
        "type": "object",
        "properties": {"data": data, "meta": meta},
        "required": ["data", "meta"],
    }
    media = {"schema": schema, "example": {"data": example, "meta": told}}
    return _response(row, row.status, media)


def _failure(row: Route, status: HTTPStatus, errors: Iterable[PasarError]) -> Json:
    examples = {
        str(error): {"value": {"errors": msgspec.to_builtins(faults_of(error)), "meta": _META}}
        for error in errors
    }
    return _response(row, status, {"schema": schema_of(Failure), "examples": examples})


def _response(row: Route, status: HTTPStatus, media: Json) -> Json:
    later = {*_LATER, HTTPStatus.CONFLICT} if row.keyed else _LATER
    names = ["X-Request-ID", *_SECURITY]
    names += _LIMITED if row.limits else ()
    names += ["Retry-After"] if status in later else ()
    names += [_REPLAYED] if row.keyed and status == row.status else ()
    names += ["Cache-Control"] if row.private else ()
    return {
        "description": status.phrase,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names},
        "content": {"application/json": media},
    }
