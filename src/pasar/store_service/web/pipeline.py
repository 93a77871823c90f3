"""
From rows to an application: the checks before a handler, in the contract's order, and its answer.

Nothing here turns an error into an answer; errors rise to `middleware.py`.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from pasar.kit import failpoints, log
from pasar.kit.errors import NotFound, PasarError
from pasar.kit.idempotency import Once, Replayed
from pasar.kit.tokens import Verifier
from pasar.store_service.web.address import bucket_address
from pasar.store_service.web.auth import bearer, identify, require
from pasar.store_service.web.envelope import Exchange, MethodNotAllowed, respond, success
from pasar.store_service.web.fields import check, check_query
from pasar.store_service.web.idempotency import REPLAYED, claim, kept, key_of
from pasar.store_service.web.limits import Limits
from pasar.store_service.web.parse import BodyDecoder, ClientGone, path_id, query_of, read_body
from pasar.store_service.web.route import Call, Route
from pasar.store_service.web.uploads import Uploads

Bound = Callable[[Call[Any]], Awaitable[object]]

_NO_STORE: Final = (b"cache-control", b"no-store")


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What every row is checked with."""

    verifier: Verifier
    limits: Limits
    max_body_bytes: int
    max_json_depth: int
    uploads: Uploads
    once: Once


class Endpoint:
    """One row, bound to its handler, as an ASGI application."""

    def __init__(self, row: Route, handle: Bound, guard: Guard) -> None:
        self._row = row
        self._handle = handle
        self._guard = guard
        self._route = (row.method, row.path)
        self._decoder = BodyDecoder(row.body, guard.max_json_depth) if row.body else None
        self._keyed = row.keyed
        self._changed = f"{row.handler.__name__}.after_commit" if row.method != "GET" else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange: Exchange = scope["exchange"]
        exchange.route = self._route
        if self._row.private:
            exchange.headers.append(_NO_STORE)
        call = await self._checked(scope, receive, exchange)
        key = key_of(scope) if self._keyed else None
        if key is None:
            status, answer = self._row.status.value, await self._handled(call)
        else:
            status, answer = await self._once(key, call, exchange)
        if self._changed:  # such as `checkout.after_commit`, `cancel.after_commit`
            await failpoints.reach(self._changed)
        await respond(send, exchange, status, success(exchange, answer))

    async def _once(self, key: str, call: Call[Any], exchange: Exchange) -> tuple[int, msgspec.Raw]:
        """Return the answer of the first request with this key, be it this one."""
        row = self._row
        work = kept(row, partial(self._handled, call))
        done = await self._guard.once.do(claim(row, call, key), work)
        if isinstance(done, Replayed):
            exchange.headers.append(REPLAYED)
        return done.status, msgspec.Raw(done.body)

    async def _handled(self, call: Call[Any]) -> object:
        """Return the handler's answer; what it did not foresee is told in the row's words."""
        try:
            return await self._handle(call)
        except (PasarError, ClientGone):
            raise
        except Exception as fault:
            raise PasarError(self._row.fault) from fault

    async def _checked(self, scope: Scope, receive: Receive, exchange: Exchange) -> Call[Any]:
        """Return the call, or raise for the first check that fails (contract 1.6, steps 2 to 7)."""
        row, guard = self._row, self._guard
        claims = None
        if row.access.token:
            claims = bearer(scope, guard.verifier)
            log.user_id.set(claims.user_id)
            if row.access.role is not None:
                require(claims, row.access.role)
        await guard.limits.charge(row.limits, exchange, claims.user_id if claims else None)
        identity = identify(claims) if claims else None
        found = path_id(scope["path_id"], row.path_id) if row.path_id else None
        query = query_of(scope)
        check_query(row.query, query)
        body: object = None
        if row.upload:
            body = partial(guard.uploads.read, scope, receive, row.upload)
        if self._decoder:
            decoded = self._decoder.decode(await read_body(scope, receive, guard.max_body_bytes))
            check(decoded)
            body = decoded
        return Call(identity, found, query, body, bucket_address(exchange.address))


class Path:
    """The rows of one path: the method picks one, others are answered 405 (contract D1)."""

    def __init__(self, methods: Mapping[str, ASGIApp]) -> None:
        heads = {"HEAD": methods["GET"]} if "GET" in methods else {}
        self._methods = {**methods, **heads}
        self._allow = ", ".join(sorted(self._methods))

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        endpoint = self._methods.get(scope["method"])
        if endpoint is None:
            raise MethodNotAllowed(self._allow)
        return endpoint(scope, receive, send)


class Table:
    """
    All paths: one without a parameter is looked up, one with is matched, the others are 404.

    Starlette's Router asks every route in turn: 11 µs of CPU for the product page, 15 for the last
    of 27 paths, against 1 and 3 here.
    """

    def __init__(self, paths: Mapping[str, ASGIApp]) -> None:
        self._exact = {path: app for path, app in paths.items() if "{" not in path}
        self._templates = [(_pattern(path), app) for path, app in paths.items() if "{" in path]

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        app = self._exact.get(scope["path"]) or self._matched(scope)
        return app(scope, receive, send)

    def _matched(self, scope: Scope) -> ASGIApp:
        for pattern, app in self._templates:
            if match := pattern.fullmatch(scope["path"]):
                scope["path_id"] = match[1]
                return app
        raise NotFound("not found")


def table(
    rows: Iterable[Route],
    handlers: Sequence[object],
    guard: Guard,
    files: Mapping[str, ASGIApp],
) -> Table:
    """
    Return the application of all rows and of all files, which are read only, by their path.

    Raises, at start, LookupError when a row has no handler, and ValueError when two rows are the
    same or a row's path and `path_id` disagree.
    """
    paths: dict[str, dict[str, ASGIApp]] = {}
    for row in rows:
        methods = paths.setdefault(row.path, {})
        if row.method in methods:
            raise ValueError(f"{row.method} {row.path} has two rows")
        if (row.path_id is not None) != ("{" in row.path):
            raise ValueError(f"{row.method} {row.path}: its id has a place or a name, not both")
        methods[row.method] = Endpoint(row, bind(row, handlers), guard)
    read_only = {path: {"GET": file} for path, file in files.items()}
    return Table({path: Path(methods) for path, methods in (paths | read_only).items()})


def bind(row: Route, handlers: Sequence[object]) -> Bound:
    """Return the row's handler on the instance of its class. Raises LookupError without one."""
    for instance in handlers:
        if row.handler in vars(type(instance)).values():
            return partial(row.handler, instance)
    raise LookupError(f"{row.method} {row.path}: no instance of its handler's class was given")


def _pattern(template: str) -> re.Pattern[str]:
    """Return what matches `/toys/{id}/parts` with any one segment in place of the braces."""
    return re.compile("([^/]+)".join(map(re.escape, re.split(r"\{\w+\}", template))))
