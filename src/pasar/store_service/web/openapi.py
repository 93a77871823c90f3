"""
The API description, OpenAPI 3.1, made from the rows: a row that is added describes itself.

Schemas and answers have files of their own beside this one; `docs.py` shows the document.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from pasar.store_service.web.examples import ID, example_of
from pasar.store_service.web.fields import Parameter
from pasar.store_service.web.idempotency import HEADER as IDEMPOTENCY_KEY
from pasar.store_service.web.openapi_answers import HEADERS, Failures, Json, page_item, responses
from pasar.store_service.web.openapi_links import links_of, operation_id
from pasar.store_service.web.openapi_schemas import components, schema_of
from pasar.store_service.web.parse import PAGING
from pasar.store_service.web.route import PUBLIC, Route

_ABOUT: Final = """A multi-seller shop. Every answer is one envelope: `data`, or `errors` with a
`code` for programs and a `message` for people, beside `meta`. Money is a decimal text, times are
UTC. A method that a path does not have is answered 405, an unknown path 404."""

_BEARER: Final = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "`access_token` of a login",
}
_REQUEST_ID: Final = {
    "name": "X-Request-ID",
    "in": "header",
    "description": "taken over into the answer and the logs; anything else is replaced",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9_.:/+=@-]{1,128}$"},
    "example": str(ID),
}
_IDEMPOTENCY_KEY: Final = {
    "name": IDEMPOTENCY_KEY,
    "in": "header",
    "description": "the same request with the same key is done once, and answered alike for a day",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    "example": str(ID),
}


def describe(rows: Sequence[Route], version: str) -> Json:
    """Return the document. Raises KeyError for a refusal of which no example can be made."""
    failures = Failures()
    paths: dict[str, dict[str, Json]] = {}
    for row in rows:
        operation = _operation(row, rows, failures)
        paths.setdefault(row.path, {})[row.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Pasar", "version": version, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(map(_tag, rows))],
        "paths": paths,
        "components": {
            "schemas": components(
                (page_item(row.answer) or row.answer for row in rows),
                (row.body for row in rows if row.body),
            ),
            "responses": failures.components,
            "headers": HEADERS,
            "parameters": {"RequestId": _REQUEST_ID, "IdempotencyKey": _IDEMPOTENCY_KEY},
            "securitySchemes": {"bearer": _BEARER},
        },
    }


def encode(document: Json) -> bytes:
    """Return the document as it is served and kept in docs/."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def _operation(row: Route, rows: Sequence[Route], failures: Failures) -> Json:
    operation: dict[str, object] = {
        "operationId": operation_id(row),
        "summary": _summary(row),
        "description": _description(row),
        "tags": [_tag(row)],
        "security": [] if row.access == PUBLIC else [{"bearer": []}],
        "parameters": list(_parameters(row)),
    }
    if row.body or row.upload:
        operation["requestBody"] = _request_body(row)
    return {**operation, "responses": responses(row, links_of(row, rows), failures)}


def _summary(row: Route) -> str:
    """Return `Seller order: move` for `SellerOrderHandler.move`."""
    *_, handler, name = row.handler.__qualname__.split(".")
    words = re.findall("[A-Z][a-z]*", handler.removesuffix("Handler"))
    return f"{' '.join(words).capitalize()}: {name.replace('_', ' ')}"


def _description(row: Route) -> str:
    who = "everybody" if row.access == PUBLIC else "anybody with a token"
    if role := row.access.role:
        who = f"an {role}" if role[0] in "aeiou" else f"a {role}"
    limits = " and ".join(row.limits)
    return f"For {who}. " + (f"Rate limit: {limits}." if limits else "No rate limit.")


def _tag(row: Route) -> str:
    """Return the feature that the row belongs to: the folder of its handler."""
    folder = row.handler.__module__.split(".")[-2]
    return "system" if folder == "web" else folder


def _parameters(row: Route) -> Iterator[Json]:
    for name in re.findall(r"{(\w+)}", row.path):
        schema = {"type": "string", "format": "uuid"}
        yield {"name": name, "in": "path", "required": True, "schema": schema, "example": str(ID)}
    yield from map(_query_parameter, row.query)
    if page_item(row.answer):
        yield from map(_query_parameter, PAGING)
    if row.keyed:
        yield {"$ref": "#/components/parameters/IdempotencyKey"}
    yield {"$ref": "#/components/parameters/RequestId"}


def _query_parameter(parameter: Parameter) -> Json:
    return {
        "name": parameter.name,
        "in": "query",
        "description": parameter.meaning,
        "schema": schema_of(parameter.type),
        "example": example_of(parameter.type, parameter.name),
    }


def _request_body(row: Route) -> Json:
    if row.body:
        media = {"schema": schema_of(row.body), "example": example_of(row.body)}
        return {"required": True, "content": {"application/json": media}}
    file = {"type": "string", "format": "binary"}
    form = {"type": "object", "properties": {row.upload: file}, "required": [row.upload]}
    return {"required": True, "content": {"multipart/form-data": {"schema": form}}}
