"""
Links of the API description: where the id of what was just made may go next.

A thing is made by the row that answers 201; its path with `/{id}` behind it says what. Its id is
wanted in paths of that thing, and by the query parameters and body members named after it.
"""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from pasar.store_service.web.route import Route

Link = dict[str, object]

_MADE: Final = "$response.body#/data/id"


def operation_id(row: Route) -> str:
    """Return the name by which links refer to the row."""
    return re.sub(r"\W+", "-", row.method.lower() + row.path).strip("-")


def links_of(maker: Route, rows: Sequence[Route]) -> dict[str, Link]:
    """Return what may follow the row's success: nothing, unless it makes something."""
    thing = _made_by(maker, rows)
    followers = {row: _inputs(row, thing) for row in rows} if thing else {}
    return {
        operation_id(row): {"operationId": operation_id(row), **inputs}
        for row, inputs in followers.items()
        if inputs
    }


def _made_by(maker: Route, rows: Sequence[Route]) -> str | None:
    shown_at = f"{maker.path}/{{id}}"
    things = (row.path_id for row in rows if row.path == shown_at)
    return next(things, None) if maker.status is HTTPStatus.CREATED else None


def _inputs(row: Route, thing: str) -> Link:
    member = f"{thing}_id"
    if row.path_id == thing:
        return {"parameters": {"id": _MADE}}
    if any(parameter.name == member for parameter in row.query):
        return {"parameters": {member: _MADE}}
    if row.body and member in row.body.__struct_fields__:
        return {"requestBody": {member: _MADE}}
    return {}
