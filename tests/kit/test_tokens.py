"""Which texts are tokens of ours, and which only look like them (RFC 8725)."""

import base64
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from pasar.kit.tokens import (
    ACCESS,
    REFRESH,
    BadToken,
    Claims,
    RememberedTokens,
    TokenSigner,
    TokenVerifier,
)
from tests.fakes.clock import HeldClock

# Long enough for every algorithm that a token might ask for: it must not fail for another reason.
SECRET = "the secret of these tests, which is as long as the longest algorithm wants"
OTHER_SECRET = "another secret, also long enough"
GOOD_HEADER = {"alg": "HS256", "typ": "JWT"}


def good_claims(**changes: Any) -> Claims:
    now = int(time.time())
    claims = Claims(
        user_id="0190c7a2-0000-7000-8000-000000000001",
        email="ana@example.com",
        role="buyer",
        token_type=ACCESS,
        jti="0190c7a2-0000-7000-8000-000000000002",
        ver=3,
        iat=now,
        exp=now + 900,
    )
    return msgspec.structs.replace(claims, **changes)


def good_payload(**changes: Any) -> dict[str, Any]:
    return {**msgspec.structs.asdict(good_claims()), **changes}


def payload_without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in good_payload().items() if name not in names}


def part(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def forge(header: object, payload: object, *, secret: str = SECRET, digest: str = "sha256") -> str:
    """Put a token together by hand, as an attacker would."""
    text = f"{part(header)}.{part(payload)}"
    return f"{text}.{part(hmac.digest(secret.encode(), text.encode(), digest))}"


def tampered(token: str, **changes: Any) -> str:
    head, _, signature = token.split(".")
    return f"{head}.{part(good_payload(**changes))}.{signature}"


GOOD = TokenSigner(SECRET).sign(good_claims())
NOW = int(time.time())

FORGED = {
    "empty": "",
    "one part": "token",
    "two parts": GOOD.rpartition(".")[0],
    "four parts": GOOD + ".x",
    "signature cut off": GOOD.rpartition(".")[0] + ".",
    "signature shortened": GOOD[:-4],
    "blank inside, which a lax decoder skips": GOOD[:-4] + " " + GOOD[-4:],
    "line break at the end": GOOD + "\n",
    "not base64url": "ä.ö.ü",
    "claims changed": tampered(GOOD, role="admin"),
    "other key": forge(GOOD_HEADER, good_payload(), secret=OTHER_SECRET),
    "empty key": forge(GOOD_HEADER, good_payload(), secret=""),
    "alg none, unsigned": f"{part({'alg': 'none'})}.{part(good_payload())}.",
    "alg none, signed": forge({"alg": "none"}, good_payload()),
    "alg None": forge({"alg": "None"}, good_payload()),
    "alg NONE": forge({"alg": "NONE"}, good_payload()),
    "alg empty": forge({"alg": ""}, good_payload()),
    "alg null": forge({"alg": None}, good_payload()),
    "alg a list": forge({"alg": ["HS256"]}, good_payload()),
    "alg missing": forge({"typ": "JWT"}, good_payload()),
    "alg in small letters": forge({"alg": "hs256"}, good_payload()),
    "HS384": forge({"alg": "HS384"}, good_payload(), digest="sha384"),
    "HS512": forge({"alg": "HS512"}, good_payload(), digest="sha512"),
    "RS256 with our key as public key": forge({"alg": "RS256"}, good_payload()),
    "crit": forge({**GOOD_HEADER, "crit": ["exp"], "exp": 1}, good_payload()),
    "crit with b64": forge({**GOOD_HEADER, "crit": ["b64"], "b64": False}, good_payload()),
    "jku": forge({**GOOD_HEADER, "jku": "https://evil.example/keys"}, good_payload()),
    "jwk": forge({**GOOD_HEADER, "jwk": {"kty": "oct", "k": "AA"}}, good_payload()),
    "x5u": forge({**GOOD_HEADER, "x5u": "https://evil.example/cert"}, good_payload()),
    "header no object": forge([], good_payload()),
    "header nested beyond reason": forge(b"[" * 40_000, good_payload()),
    "payload no object": forge(GOOD_HEADER, ["exp"]),
    "payload no JSON": forge(GOOD_HEADER, b"exp"),
    "payload nested beyond reason": forge(GOOD_HEADER, b"[" * 40_000),
    "expired a second ago": forge(GOOD_HEADER, good_payload(exp=NOW - 1)),
    "expires this second": forge(GOOD_HEADER, good_payload(exp=NOW)),
    "not valid yet": forge(GOOD_HEADER, good_payload(nbf=NOW + 600)),
    "exp missing": forge(GOOD_HEADER, payload_without("exp")),
    "exp null": forge(GOOD_HEADER, good_payload(exp=None)),
    "exp a text": forge(GOOD_HEADER, good_payload(exp=str(NOW + 900))),
    "exp without end": forge(GOOD_HEADER, good_payload(exp=float("inf"))),
    "user_id missing": forge(GOOD_HEADER, payload_without("user_id")),
    "user_id a number": forge(GOOD_HEADER, good_payload(user_id=1)),
    "jti missing": forge(GOOD_HEADER, payload_without("jti")),
    "token_type missing": forge(GOOD_HEADER, payload_without("token_type")),
    "refresh token as bearer": forge(GOOD_HEADER, good_payload(token_type=REFRESH)),
    "token_type in capitals": forge(GOOD_HEADER, good_payload(token_type="ACCESS")),
    "ver a text": forge(GOOD_HEADER, good_payload(ver="3")),
}


def test_a_signed_token_gives_its_claims_back() -> None:
    claims = good_claims()

    assert claims == TokenVerifier(SECRET).verify(TokenSigner(SECRET).sign(claims))


def test_the_forger_of_these_tests_can_make_a_good_token() -> None:
    """Otherwise the refusals below would prove nothing."""
    assert TokenVerifier(SECRET).verify(forge(GOOD_HEADER, good_payload())).role == "buyer"


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED.keys())
def test_h39_a_forged_or_confused_token_is_refused(token: str) -> None:
    with pytest.raises(BadToken):
        TokenVerifier(SECRET).verify(token)


@pytest.mark.parametrize(
    "changes", [{"iat": NOW + 10_000}, {"unknown": 1}, {"user_id": "nobody"}, {"role": "king"}]
)
def test_what_is_judged_elsewhere_or_never_passes(changes: dict[str, Any]) -> None:
    assert TokenVerifier(SECRET).verify(forge(GOOD_HEADER, good_payload(**changes)))


def test_h39_a_token_of_the_previous_key_is_good_until_that_key_is_dropped() -> None:
    token = TokenSigner(OTHER_SECRET).sign(good_claims())

    assert TokenVerifier(SECRET, OTHER_SECRET).verify(token) == good_claims()
    assert TokenVerifier(SECRET, OTHER_SECRET).verify(GOOD)
    for verifier in (TokenVerifier(SECRET), TokenVerifier(SECRET, "")):
        with pytest.raises(BadToken):
            verifier.verify(token)


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED.keys())
def test_h39_a_previous_key_opens_no_other_door(token: str) -> None:
    with pytest.raises(BadToken):
        TokenVerifier(SECRET, "a previous secret, also long enough").verify(token)


def test_d4_each_kind_of_token_is_asked_for_by_name() -> None:
    refresh = TokenSigner(SECRET).sign(good_claims(token_type=REFRESH))

    assert TokenVerifier(SECRET).verify(refresh, REFRESH).token_type == REFRESH
    with pytest.raises(BadToken):
        TokenVerifier(SECRET).verify(GOOD, REFRESH)


def test_a_key_id_is_ignored() -> None:
    token = forge({**GOOD_HEADER, "kid": "../../dev/null"}, good_payload())

    assert TokenVerifier(SECRET).verify(token)


def test_the_same_claims_give_the_same_token() -> None:
    claims = good_claims()
    first, second = (TokenSigner(SECRET).sign(claims) for _ in range(2))

    assert first == second


def test_the_header_and_the_signature_are_plain_hs256() -> None:
    head, _, signature = GOOD.split(".")
    expected = hmac.digest(SECRET.encode(), GOOD.rpartition(".")[0].encode(), hashlib.sha256)

    assert json.loads(base64.urlsafe_b64decode(head + "==")) == GOOD_HEADER
    assert signature == part(expected)


class CountingVerifier:
    def __init__(self) -> None:
        self.asked: list[str] = []

    def verify(self, token: str) -> Claims:
        self.asked.append(token)
        return TokenVerifier(SECRET).verify(token)


@pytest.fixture
def counting() -> CountingVerifier:
    return CountingVerifier()


def test_a_good_token_is_verified_once_and_a_bad_one_each_time(counting: CountingVerifier) -> None:
    remembered = RememberedTokens(counting, HeldClock(datetime.now(UTC)))
    bad = tampered(GOOD, role="admin")
    assert remembered.verify(GOOD) == remembered.verify(GOOD)
    for _ in range(2):
        with pytest.raises(BadToken):
            remembered.verify(bad)

    assert counting.asked == [GOOD, bad, bad]


def test_a_remembered_token_is_over_at_its_expiry(counting: CountingVerifier) -> None:
    clock = HeldClock(datetime.fromtimestamp(NOW, UTC))
    remembered = RememberedTokens(counting, clock)
    token = TokenSigner(SECRET).sign(good_claims(exp=NOW + 3600))
    clock.advance(3599)
    remembered.verify(token)
    clock.advance(0.9)
    remembered.verify(token)
    clock.advance(0.1)

    with pytest.raises(BadToken):
        remembered.verify(token)


def test_the_least_recently_used_token_is_forgotten_first(counting: CountingVerifier) -> None:
    remembered = RememberedTokens(counting, HeldClock(datetime.now(UTC)), most=2)
    one, two, three = (TokenSigner(SECRET).sign(good_claims(jti=jti)) for jti in "123")
    for token in (one, two, one, three, one, two):
        remembered.verify(token)

    assert counting.asked == [one, two, three, two]
