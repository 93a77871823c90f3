"""
`GET /uploads/…`: stored pictures, to anybody, without a limiter; no listings, nothing else.

Served so that a browser can make nothing of them but a picture (contract D53, reliability H50).
"""

import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus
from typing import Final

from starlette.types import Receive, Scope, Send

from pasar.kit.errors import NotFound
from pasar.kit.images import CONTENT_TYPES
from pasar.kit.pictures import extension_of
from pasar.kit.storage.port import NAME, NotStored, Storage, Stored
from pasar.store_service.web.envelope import Exchange, Header, HttpFault, begin_answer

PATH: Final = "/uploads/{folder}/{file}"

_PREFIX: Final = "/uploads/"
_POLICY: Final = b"content-security-policy"
_SANDBOX: Final = (_POLICY, b"default-src 'none'; sandbox")
# One range; several are answered with the whole file, as RFC 9110 section 14.2 allows.
_RANGE: Final = re.compile(rb"bytes=(\d{0,18})-(\d{0,18})")


class RangeNotSatisfiable(HttpFault):
    status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE

    def __init__(self) -> None:
        super().__init__("range not satisfiable")


class Files:
    """The pictures of a storage as an ASGI application."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        name: str = scope["path"].removeprefix(_PREFIX)
        content_type = CONTENT_TYPES.get(extension_of(name))
        if content_type is None or not NAME.fullmatch(name):
            raise NotFound("not found")
        try:
            async with self._storage.open(name) as stored:
                await _answer(scope, send, stored, content_type)
        except NotStored:
            raise NotFound("not found") from None


async def _answer(scope: Scope, send: Send, stored: Stored, content_type: str) -> None:
    exchange: Exchange = scope["exchange"]
    asked = dict[bytes, bytes](scope["headers"])
    if _unchanged(asked, stored.modified):
        status, start, stop = HTTPStatus.NOT_MODIFIED, 0, 0
    else:
        status, start, stop = _wanted(asked, stored, exchange)
    headers = [(b"last-modified", format_datetime(stored.modified, usegmt=True).encode())]
    if status is not HTTPStatus.NOT_MODIFIED:
        headers += [
            (b"content-type", content_type.encode()),
            (b"content-length", b"%d" % (stop - start)),
            (b"accept-ranges", b"bytes"),
        ]
    if status is HTTPStatus.PARTIAL_CONTENT:
        headers.append((b"content-range", b"bytes %d-%d/%d" % (start, stop - 1, stored.size)))
    exchange.headers = [*_without_policy(exchange.headers), _SANDBOX]
    await begin_answer(send, exchange, status, headers)
    if scope["method"] != "HEAD":
        async for chunk in stored.chunks(start, stop):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body"})


def _wanted(
    asked: Mapping[bytes, bytes], stored: Stored, exchange: Exchange
) -> tuple[HTTPStatus, int, int]:
    """Return the status and which bytes; raises RangeNotSatisfiable for a range past the end."""
    match = _RANGE.fullmatch(asked.get(b"range", b""))
    if match is None or match[0] == b"bytes=-" or not _same_version(asked, stored.modified):
        return HTTPStatus.OK, 0, stored.size
    first, last = match[1], match[2]
    if first:
        start = int(first)
        stop = min(int(last) + 1, stored.size) if last else stored.size
    else:
        start, stop = max(0, stored.size - int(last)), stored.size
    if start >= stop:
        exchange.headers.append((b"content-range", b"bytes */%d" % stored.size))
        raise RangeNotSatisfiable
    return HTTPStatus.PARTIAL_CONTENT, start, stop


def _unchanged(asked: Mapping[bytes, bytes], modified: datetime) -> bool:
    since = _date(asked.get(b"if-modified-since", b""))
    return since is not None and modified <= since


def _same_version(asked: Mapping[bytes, bytes], modified: datetime) -> bool:
    """Tell whether a range fits what the client has; without If-Range it says so itself."""
    return b"if-range" not in asked or _date(asked[b"if-range"]) == modified


def _date(value: bytes) -> datetime | None:
    try:
        date = parsedate_to_datetime(value.decode("latin-1"))
    except ValueError:
        return None
    return date if date.tzinfo else None


def _without_policy(headers: list[Header]) -> list[Header]:
    return [header for header in headers if header[0] != _POLICY]
