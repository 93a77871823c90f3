"""
Which other sites' pages may call the shop from a browser: none but CORS_ALLOWED_ORIGINS.

Tokens travel in a header, never in a cookie, so credentials are allowed to nobody, and `*` is safe.
"""

import re
from collections.abc import Sequence
from typing import Final

from starlette.types import Scope

from pasar.store_service.web.envelope import Header

ANY: Final = "*"

_ORIGIN: Final = re.compile(r"https?://[^/\s,*]+")
_TOLD: Final[Header] = (
    b"access-control-expose-headers",
    (
        b"X-Request-ID, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After,"
        b" Idempotency-Replayed"
    ),
)
_GRANTED: Final[tuple[Header, ...]] = (
    (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, DELETE"),
    (
        b"access-control-allow-headers",
        b"Authorization, Content-Type, Idempotency-Key, X-Request-ID",
    ),
    (b"access-control-max-age", b"600"),
)
_VARIES: Final[Header] = (b"vary", b"Origin")  # for caches: the answer depends on who asks


def origins(text: str) -> tuple[str, ...]:
    """Read a comma list such as `https://shop.example, http://localhost:3000`, or `*`."""
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    for origin in found:
        if origin != ANY and not _ORIGIN.fullmatch(origin):
            raise ValueError(f"{origin!r} is no origin such as https://shop.example")
    return found


class Cors:
    """Tells a browser what it asks; a site that is not in `allowed` learns nothing."""

    def __init__(self, allowed: Sequence[str]) -> None:
        self._allowed = frozenset(origin.encode() for origin in allowed)
        self._any = ANY.encode() in self._allowed

    def headers(self, scope: Scope) -> list[Header]:
        """Return what every answer to this request bears."""
        if not self._allowed:
            return []
        origin = _first(scope, b"origin")
        if not self._any and origin not in self._allowed:
            return [_VARIES]
        who = ANY.encode() if self._any else origin
        return [(b"access-control-allow-origin", who), _TOLD, _VARIES]

    def permission(self, scope: Scope) -> list[Header] | None:
        """Return what a preflight of an allowed site is granted; None for any other request."""
        if scope["method"] != "OPTIONS" or not self._allowed:
            return None
        known = self._any or _first(scope, b"origin") in self._allowed
        asks = _first(scope, b"origin") and _first(scope, b"access-control-request-method")
        return [*_GRANTED] if known and asks else None


def _first(scope: Scope, wanted: bytes) -> bytes:
    for name, value in scope["headers"]:
        if name == wanted:
            found: bytes = value
            return found
    return b""
