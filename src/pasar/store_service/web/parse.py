"""
What a client wrote, read as the contract says: JSON bodies, query strings, pages, ids (1.3 to 1.7).

Whether the values are acceptable is asked later, by the field rules and the features.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final, Generic, TypeVar
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec
from starlette.types import Receive, Scope

from pasar.kit.errors import Invalid
from pasar.kit.ids import parse_id
from pasar.store_service.web.envelope import BodyTooLarge
from pasar.store_service.web.fields import Parameter
from pasar.store_service.web.route import Page

PAGING: Final = (
    Parameter("page", Annotated[int, msgspec.Meta(ge=1)], "which page; 1 unless it is a number"),
    Parameter(
        "per_page", Annotated[int, msgspec.Meta(ge=1, le=100)], "its size, at most 100; else 10"
    ),
)
"""What `page_of` reads; the description adds it to every row that answers with pages."""

NO_QUERY: Final[Mapping[str, str]] = MappingProxyType({})

_INT64: Final = range(-(2**63), 2**63)
# Escapes from left to right, so that an escaped backslash never counts as the start of `\u`.
_ESCAPE: Final = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a pair
    r"|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
# One text, to its end or the body's: it always matches at a quote, so the search is linear.
_TEXT: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_SQUARE: Final = bytes.maketrans(b"{}", b"[]")
_NO_BRACKET: Final = bytes(set(range(256)) - set(b"[]{}"))
_COUNT: Final = re.compile(r"\+?0*([1-9][0-9]*)")
_MAX_PAGE: Final = 2_147_483_647  # contract D37: its offset still fits 64 bits
_PER_PAGE: Final = 10
_MAX_PER_PAGE: Final = 100

BodyT = TypeVar("BodyT", bound=msgspec.Struct)


class ClientGone(Exception):
    """The client closed the connection before its request was whole; nobody waits for an answer."""


class BodyDecoder(Generic[BodyT]):
    """
    Read JSON objects as `body`: unknown members are ignored, null members take their default.

    Made once per row; the members of `body` are texts and integers. What nests deeper than
    `max_depth` is refused, although only unknown members could.

    Raises:
        TypeError: a member of `body` has no default; found at start, not by the first client.
    """

    def __init__(self, body: type[BodyT], max_depth: int) -> None:
        body()
        self._max_depth = max_depth
        self._body = body
        members = [(each.name, each.type | None, None) for each in msgspec.structs.fields(body)]
        wire = msgspec.defstruct(f"{body.__name__}OnTheWire", members)
        self._decoder: msgspec.json.Decoder[msgspec.Struct | None] = msgspec.json.Decoder(
            wire | None
        )

    def decode(self, raw: bytes) -> BodyT:
        """Return the body. Raises Invalid: every decoding fault is one and the same."""
        if nests_deeper(raw, self._max_depth):
            raise Invalid("invalid request body")
        try:
            wire = self._decode(raw)
        except (msgspec.DecodeError, RecursionError):
            raise Invalid("invalid request body") from None
        sent = {} if wire is None else msgspec.structs.asdict(wire)
        present = {name: value for name, value in sent.items() if value is not None}
        if any(isinstance(value, int) and value not in _INT64 for value in present.values()):
            raise Invalid("invalid request body")
        return self._body(**present)

    def _decode(self, raw: bytes) -> msgspec.Struct | None:
        try:
            return self._decoder.decode(raw)
        except msgspec.ValidationError:
            raise
        except (msgspec.DecodeError, UnicodeDecodeError):
            return self._decoder.decode(_repaired(raw))


def nests_deeper(raw: bytes, most: int) -> bool:
    """
    Tell whether the brackets outside of texts nest deeper than `most`, or do not match.

    >>> nests_deeper(b'{"a": ["]]", [], {}]}', 3), nests_deeper(b'{"a": ["]]", [], {}]}', 2)
    (False, True)
    """
    if raw.count(b"[") + raw.count(b"{") <= most:
        return False
    brackets = _TEXT.sub(b"", raw).translate(_SQUARE, _NO_BRACKET)
    for _ in range(most):
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)


async def read_body(scope: Scope, receive: Receive, max_bytes: int) -> bytes:
    """
    Read the whole body, counting what arrives, whatever its Content-Length says.

    Raises BodyTooLarge beyond `max_bytes`, of which no more is kept; ClientGone.
    """
    declared = dict[bytes, bytes](scope["headers"]).get(b"content-length", b"0")
    if int(declared) > max_bytes:
        raise BodyTooLarge
    chunks: list[bytes] = []
    left = max_bytes
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk: bytes = message.get("body", b"")
        left -= len(chunk)
        if left < 0:
            raise BodyTooLarge
        chunks.append(chunk)
        more = message.get("more_body", False)
    return b"".join(chunks)


def query_of(scope: Scope) -> Mapping[str, str]:
    """Return the first value of each parameter; an empty one counts as absent."""
    raw: bytes = scope["query_string"]
    if not raw:
        return NO_QUERY
    pairs = parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True)
    first = dict(reversed(pairs))
    return {name: value for name, value in first.items() if value}


def page_of(query: Mapping[str, str]) -> Page:
    """Return the page asked for; whatever is no sensible number falls back (contract C12)."""
    return Page(
        number=_count(query.get("page", ""), 1, _MAX_PAGE),
        size=_count(query.get("per_page", ""), _PER_PAGE, _MAX_PER_PAGE),
    )


def path_id(text: str, thing: str) -> UUID:
    """Read the id in a path. Raises Invalid `invalid <thing> id`."""
    found = parse_id(text)
    if found is None:
        raise Invalid(f"invalid {thing} id")
    return found


def _count(text: str, default: int, most: int) -> int:
    """Read a number from 1 to `most`; by its length first, as a million digits cost a core."""
    match = _COUNT.fullmatch(text)
    if match is None:
        return default
    return most if len(match[1]) > len(str(most)) else min(int(match[1]), most)


def _repaired(raw: bytes) -> bytes:
    """Put U+FFFD for bytes that are no UTF-8 and for unpaired surrogate escapes."""
    text = raw.decode("utf-8", "replace")
    return _ESCAPE.sub(lambda found: r"\ufffd" if found["lone"] else found[0], text).encode()
