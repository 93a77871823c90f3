"""What one request may cost: no stranger holds a worker longer than 250 ms of its CPU."""

import gzip
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple
from uuid import uuid4

import httpx

from tests.fixtures.counts import Count
from tests.journeys.processes import cpu_s, web_process
from tests.journeys.shop import Shop

MOST_S: Final = 0.25
MIB: Final = 2**20
PRODUCTS: Final = "/api/v1/products"
LOGIN: Final = "/api/v1/auth/login"
REGISTER: Final = "/api/v1/auth/register"


class Hostile(NamedTuple):
    """A request without a token, and the statuses that are an answer to it."""

    what: str
    statuses: set[int]
    method: str
    url: str
    sent: Mapping[str, Any] = MappingProxyType({})


def get(what: str, query: str, *statuses: int) -> Hostile:
    return Hostile(what, set(statuses) or {200}, "GET", f"{PRODUCTS}?{query}")


def post(what: str, url: str, content: bytes, status: int, **headers: str) -> Hostile:
    return Hostile(what, {status}, "POST", url, {"content": content, "headers": headers})


def filled(piece: bytes, size: int, before: bytes = b"", after: bytes = b"") -> bytes:
    """Return at most `size` bytes, of which the middle is the piece again and again."""
    return before + piece * ((size - len(before) - len(after)) // len(piece)) + after


KEYS: Final = b"".join(b'"%s": 0, ' % uuid4().hex.encode() for _ in range(26_000))
FORM: Final = {"Content-Type": "multipart/form-data; boundary=b"}

HOSTILE: Final = (
    get("a decimal bomb", "min_price=1e100000000"),
    get("a small decimal bomb", "max_price=1e-100000000"),
    get("a price of many digits", "min_price=" + "9" * 60_000),
    get("a price of many signs", "min_price=" + "%2B" * 20_000),
    get("a search of 10 kB", "search=" + "a" * 10_000),
    get("a search of wildcards", "search=" + "%25_" * 2_500),
    get("a search of backslashes", "search=" + "%5C" * 10_000),
    get("a search of bytes that are no text", "search=" + "%FF" * 20_000),
    get("the last page of all", "page=" + "9" * 30),
    get("a page of 60,000 digits", "page=" + "9" * 60_000),
    get("a page of 60,000 zeros", "page=" + "0" * 60_000),
    get("a page of a million", "per_page=1000000"),
    get("an id of 60,000 letters", "category_id=" + "a" * 60_000, 400),
    get("30,000 parameters", "&" * 30_000 + "a"),
    get("20,000 equal parameters", "a=&" * 20_000),
    Hostile("1,000 headers", {200, 431}, "GET", PRODUCTS,
            {"headers": {f"x-{n}": "a" * 50 for n in range(1_000)}}),
    Hostile("cookies of 60 kB", {200}, "GET", PRODUCTS, {"headers": {"Cookie": "a=b;" * 15_000}}),
    Hostile("10,000 ranges", {200, 404}, "GET", f"/uploads/products/{uuid4()}.png",
            {"headers": {"Range": "bytes=" + "0-1," * 10_000 + "0-1"}}),
    Hostile("10,000 hops", {200}, "GET", PRODUCTS,
            {"headers": {"X-Forwarded-For": "1.1.1.1," * 6_000 + "1.1.1.1"}}),
    Hostile("a token of 60 kB", {401}, "GET", "/api/v1/cart",
            {"headers": {"Authorization": "Bearer " + "a." * 30_000}}),
    Hostile("a path of 60 kB", {404}, "GET", "/" + "a/" * 30_000),
    Hostile("an id of 60 kB", {400}, "GET", PRODUCTS + "/" + "-" * 60_000),
    post("JSON 100,000 deep", LOGIN, b"[" * 100_000, 400),
    post("objects 100,000 deep", LOGIN, b'{"a":' * 100_000, 400),
    post("1 MiB of keys", LOGIN, b"{" + KEYS + b'"a": 0}', 400),
    post("1 MiB of one key", LOGIN, filled(b'"email": "", ', MIB, b"{", b'"a": 0}'), 400),
    post("1 MiB of blanks", LOGIN, b" " * MIB, 400),
    post("1 MiB of escapes", LOGIN, filled(b"\\u0041", MIB, b'{"email": "', b'"}'), 400),
    post("1 MiB of bytes that are no text", LOGIN, b"\xff" * MIB, 400),
    post("1 MiB of halves of characters", LOGIN,
         filled(b"\\ud800", MIB, b'{"email": "', b'"}'), 400),
    post("1 MiB of digits", LOGIN, filled(b"9", MIB, b'{"email": ', b"}"), 400),
    post("a number of a large exponent", LOGIN, b'{"email": 1e999999999}', 400),
    post("an address of 1 MiB", REGISTER,
         filled(b"a", MIB, b'{"password": "secret-1", "name": "a", "email": "', b'@b"}'), 400),
    post("an address of dots", REGISTER,
         filled(b"a.", MIB, b'{"password": "secret-1", "name": "a", "email": "a@', b'"}'), 400),
    post("a password of 1 MiB", REGISTER,
         filled(b"a", MIB, b'{"email": "a@b.co", "name": "a", "password": "', b'"}'), 400),
    post("more than 1 MiB", LOGIN, b" " * (MIB + 1), 413),
    post("100,000 parts without a token", f"{PRODUCTS}/{uuid4()}/image", b"--b\r\n\r\n" * 100_000,
         401, **FORM),
    post("a gzip bomb", LOGIN, gzip.compress(bytes(10 * MIB)), 400, **{"Content-Encoding": "gzip"}),
)  # fmt: skip


async def test_h38_no_request_of_a_stranger_holds_a_worker(
    http: httpx.AsyncClient, shop: Shop, count: Count
) -> None:
    await http.get(PRODUCTS)  # its process has started
    worker = web_process(shop)
    used: dict[str, float] = {}
    for hostile in HOSTILE:
        before = cpu_s(worker)
        answer = await http.request(hostile.method, hostile.url, **hostile.sent)
        used[hostile.what] = cpu_s(worker) - before
        assert answer.status_code in hostile.statuses, hostile.what

    assert {what: seconds for what, seconds in used.items() if seconds > MOST_S} == {}
    count("requests whose CPU time was bounded", len(used))
