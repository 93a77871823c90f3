"""
JSON Web Tokens, HS256 and nothing else: claims to text and, distrustfully, text to claims.

What a token allows, and whether it was revoked meanwhile, is decided by the caller.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, Protocol

import jwt
import msgspec

from pasar.kit.clock import Clock
from pasar.kit.recent import Recent

ACCESS: Final = "access"
REFRESH: Final = "refresh"

_ALGORITHM: Final = "HS256"
# Header members that let a token choose its own key or rules (RFC 8725, 3.8 and 3.10).
_REFUSED_HEADERS: Final = frozenset({"crit", "jku", "jwk", "x5u"})
# The decoder skips what is not base64url; without this one token had endless spellings.
_SHAPE: Final = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)


class BadToken(Exception):
    """Not a token of ours, not of this kind, or no longer valid: the caller is not told which."""


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """
    What a token says, issued at `iat` and dead from `exp` on (Unix seconds).

    `ver` is the account's token version: the account ends all its tokens by raising its own.
    `user_id` is as it came: that it is an identifier must be asked (contract section 2).
    """

    user_id: str
    email: str = ""
    role: str = ""
    token_type: str
    jti: str
    ver: int = 0
    iat: int = 0
    exp: int


class TokenSigner:
    """
    Make tokens; the same claims give the same token.

    >>> claims = Claims(user_id="7", token_type=ACCESS, jti="1", exp=0)
    >>> TokenSigner("a secret of at least 32 bytes ...").sign(claims)[:20]
    'eyJhbGciOiJIUzI1NiIs'
    """

    def __init__(self, secret: str) -> None:
        self._key = secret.encode()

    def sign(self, claims: Claims) -> str:
        payload = msgspec.structs.asdict(claims)
        return jwt.encode(payload, self._key, _ALGORITHM)  # pyright: ignore[reportUnknownMemberType]  its key type needs cryptography


class TokenVerifier:
    """
    Read tokens signed with `secret`, or with `previous` while an old key is being retired.

    There is no leeway, as there is one issuer.
    """

    def __init__(self, secret: str, previous: str = "") -> None:
        self._keys = [key.encode() for key in (secret, previous) if key]

    def verify(self, token: str, kind: str = ACCESS) -> Claims:
        """Return the claims of a valid token of this kind. Raises BadToken."""
        if not _SHAPE.fullmatch(token):
            raise BadToken
        try:
            opened = self._opened(token)
            claims = msgspec.convert(opened["payload"], Claims)
        except (jwt.InvalidTokenError, msgspec.ValidationError) as fault:
            raise BadToken from fault
        if claims.token_type != kind or _REFUSED_HEADERS & opened["header"].keys():
            raise BadToken
        return claims

    def _opened(self, token: str) -> Mapping[str, Any]:
        for key in self._keys:
            with suppress(jwt.InvalidSignatureError):
                return jwt.decode_complete(  # pyright: ignore[reportUnknownMemberType]  likewise
                    token,
                    key,
                    algorithms=[_ALGORITHM],
                    options={"require": ["exp"], "verify_iat": False},
                )
        raise BadToken


class Verifier(Protocol):
    def verify(self, token: str) -> Claims:
        """Return the claims of a valid access token. Raises BadToken."""
        ...


class RememberedTokens:
    """
    Remembers which access tokens were good: a look-up costs 0.3 µs, PyJWT 31 µs.

    `exp` is judged at each use; the least recently used are forgotten. Whoever ends tokens early
    asks behind this, not before it.
    """

    def __init__(self, verifier: Verifier, clock: Clock, *, most: int = 10_000) -> None:
        self._verifier = verifier
        self._clock = clock
        self._good = Recent[str, Claims](most=most)  # some 1 kB each

    def verify(self, token: str) -> Claims:
        claims = self._good.get(token)
        if claims is None:
            claims = self._verifier.verify(token)
            self._good.put(token, claims)
        elif claims.exp <= self._clock.now().timestamp():
            self._good.drop(token)
            raise BadToken
        return claims


_: tuple[type[Verifier], type[Verifier]] = (TokenVerifier, RememberedTokens)
