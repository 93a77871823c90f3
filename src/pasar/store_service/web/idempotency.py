"""
The header Idempotency-Key (contract D57), and what a request means that bears one.

A key belongs to a user and a row; with another path id or body it is another request. What is done
once, and where answers are kept, is `kit/idempotency.py`.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

import msgspec
from starlette.types import Scope

from pasar.kit.errors import Invalid
from pasar.kit.idempotency import Claim, Done
from pasar.store_service.web.route import Call, Route

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = (b"idempotency-replayed", b"true")

_KEY: Final = re.compile(rb"[!-~]{1,255}")


class BadKey(Invalid):
    def __init__(self) -> None:
        super().__init__("must be 1 to 255 visible ASCII characters", field=HEADER)


class _Made(msgspec.Struct, frozen=True):
    """What every answer of a row that creates has in common."""

    id: UUID


def key_of(scope: Scope) -> str | None:
    """Return the request's key, if it has one. Raises BadKey."""
    for name, value in scope["headers"]:
        if name == b"idempotency-key":
            if not _KEY.fullmatch(value):
                raise BadKey
            key: str = value.decode("ascii")
            return key
    return None


def claim(row: Route, call: Call[Any], key: str) -> Claim:
    """Return what the key stands for, bodies being compared by what they mean to the row."""
    meant = msgspec.json.encode((call.path_id, call.body))
    route = f"{row.method} {row.path}"
    return Claim(call.caller.user_id, route, key, hashlib.sha256(meant).digest())


def kept(row: Route, answering: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[Done]]:
    """Return the work whose answer is kept as it is sent."""

    async def work() -> Done:
        body = msgspec.json.encode(await answering())
        return Done(msgspec.json.decode(body, type=_Made).id, row.status, body)

    return work
