"""
Bearer token → who calls: the token is judged first, then the role, and after the limiter the id.

Tokens themselves are read by `kit/tokens.py`; the role in force is the token's (contract 2).
"""

import re
from typing import Final

from starlette.types import Scope

from pasar.kit.errors import Forbidden, Unauthorized
from pasar.kit.ids import parse_id
from pasar.kit.tokens import BadToken, Claims, Verifier
from pasar.store_service.identity import Identity, Role, UserId

# The scheme in exactly this spelling, one blank, something.
_BEARER: Final = re.compile(r"Bearer ([^ ]+)")


def bearer(scope: Scope, verifier: Verifier) -> Claims:
    """Return what the request's token says. Raises Unauthorized with the contract's sentences."""
    header = _authorization(scope)
    if not header:
        raise Unauthorized("missing authorization header")
    match = _BEARER.fullmatch(header)
    if match is None:
        raise Unauthorized("invalid authorization format")
    try:
        return verifier.verify(match[1])
    except BadToken:
        raise Unauthorized("invalid or expired token") from None


def require(claims: Claims, role: Role) -> None:
    """Let this one role pass, as there is no hierarchy. Raises Forbidden for all others."""
    if claims.role != role:
        raise Forbidden("insufficient permissions")


def identify(claims: Claims) -> Identity:
    """Return the caller. Raises Unauthorized when the token names nobody."""
    user_id = parse_id(claims.user_id)
    if user_id is None:
        raise Unauthorized("invalid user")
    return Identity(UserId(user_id), claims.email, Role(claims.role))


def _authorization(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"authorization":
            text: str = value.decode("latin-1")
            return text
    return ""
