"""Compares answers with the API description: status, body and headers must stand there."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import httpx
import msgspec
from openapi_schema_validator import OAS31Validator

from pasar.store_service.web.openapi import describe
from pasar.store_service.web.openapi_answers import HEADERS
from pasar.store_service.web.route import Route
from tools.docs import BESIDE_THE_ROWS

ELSEWHERE = {200, 204, 206, 304, 404, 405, 416}
"""Of paths and methods that no row has: files and parts of them, preflights, refusals."""

BESIDE = {route: re.compile(re.sub(r"{\w+}", ".+", route)) for route in BESIDE_THE_ROWS}

asked: set[str] = set()
"""What has answered since the last test ended, operations and routes beside the rows, for
`tests/fixtures/routes.py`."""


class Documented:
    def __init__(self, rows: tuple[Route, ...]) -> None:
        document = msgspec.json.encode(describe(rows, "1"))
        self._document: dict[str, Any] = msgspec.json.decode(document)
        self._paths = {
            re.compile(re.sub(r"{\w+}", "[^/]+", path)): methods
            for path, methods in sorted(self._document["paths"].items())
        }
        self._validators: dict[int, OAS31Validator] = {}

    async def check(self, response: httpx.Response) -> None:
        """Fail unless the answer is described."""
        await response.aread()
        request = response.request
        operation = self._operation(request.method, request.url.path)
        if operation is None:
            assert response.status_code in ELSEWHERE, request.url
            line = f"{request.method} {request.url.path}".replace("HEAD", "GET", 1)
            asked.update(route for route, shape in BESIDE.items() if shape.fullmatch(line))
            return
        asked.add(operation["operationId"])
        told = operation["responses"].get(str(response.status_code))
        assert told, f"{request.url}: {response.status_code} is not described: {response.text}"
        if "$ref" in told:
            told = self._document["components"]["responses"][told["$ref"].rpartition("/")[2]]
        assert {name for name in HEADERS if name in response.headers} <= set(told["headers"])
        if request.method != "HEAD":
            assert self._faults(told, response) == []

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        """Return the operation; a path without parameters goes before one that matches it."""
        name = "get" if method == "HEAD" else method.lower()
        exact = self._document["paths"].get(path, {})
        matched = (methods for pattern, methods in self._paths.items() if pattern.fullmatch(path))
        return next((found[name] for found in (exact, *matched) if name in found), None)

    def _faults(self, told: Mapping[str, Any], response: httpx.Response) -> list[str]:
        schema = told["content"]["application/json"]["schema"]
        if id(schema) not in self._validators:
            schemas = self._document["components"]["schemas"]
            self._validators[id(schema)] = OAS31Validator(
                {"components": {"schemas": schemas}, **schema}
            )
        faults = self._validators[id(schema)].iter_errors(response.json())
        return [fault.message for fault in faults]


@cache
def documented(rows: tuple[Route, ...]) -> Documented:
    """Return the description of these rows, made once: many tests share them."""
    return Documented(rows)
