"""Bodies, queries, pages and ids as contract sections 1.3, 1.4 and 1.7 read them."""

import time
from collections.abc import Iterable

import pytest
from starlette.types import Message

from pasar.kit.errors import Invalid
from pasar.store_service.web.envelope import BodyTooLarge
from pasar.store_service.web.fields import Body
from pasar.store_service.web.parse import (
    BodyDecoder,
    ClientGone,
    nests_deeper,
    page_of,
    path_id,
    query_of,
    read_body,
)
from pasar.store_service.web.route import Page

MIB = 2**20


class Note(Body, frozen=True):
    name: str = ""
    count: int = 0
    stock: int | None = None


NOTES = BodyDecoder(Note, 20)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'{"name":"top","count":3,"stock":0}', Note("top", 3, 0)),
        (b"null", Note()),
        (b"{}", Note()),
        (b'{"name":null,"count":null,"stock":null}', Note()),
        (b'{"role":"admin","name":"top"}', Note("top")),
        (b'{"name":"first","name":"last"}', Note("last")),
        (b'{"Name":"other letter case"}', Note()),
        (b' \r\n{"name":"top"}\t', Note("top")),
        (b'{"name":"a\xffb"}', Note("a\ufffdb")),
        (b'{"name":"a\\ud800b"}', Note("a\ufffdb")),
        (b'{"name":"a\\udc00\\ud800\\u0041"}', Note("a\ufffd\ufffdA")),
        (b'{"name":"\\ud83d\\ude00 \\uD800"}', Note("\U0001f600 \ufffd")),
        (b'{"name":"\\\\ud800 \\ud800"}', Note("\\ud800 \ufffd")),
        (b'{"ignored":"\\ud800\xff","name":"top"}', Note("top")),
        (b'{"ignored":1e999,"name":"top"}', Note("top")),
        (b'{"count":9223372036854775807}', Note(count=2**63 - 1)),
        (b'{"count":-9223372036854775808}', Note(count=-(2**63))),
    ],
)
def test_a_body_is_read(raw: bytes, expected: Note) -> None:
    assert NOTES.decode(raw) == expected


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"   ",
        b"name=top",
        b"\xef\xbb\xbf{}",
        b'{"x":NaN}',
        b'{"x":Infinity}',
        b"[]",
        b'"text"',
        b"5",
        b"true",
        b'{"name":5}',
        b'{"name":["top"]}',
        b'{"count":"5"}',
        b'{"count":5.0}',
        b'{"count":1e2}',
        b'{"count":true}',
        b'{"count":9223372036854775808}',
        b'{"count":-9223372036854775809}',
        b'{"stock":18446744073709551616}',
        b'{"count":' + b"9" * 5000 + b"}",
        b'{"name":"top"} x',
        b'{"name":"top"}{}',
        b'{"name":"line\nbreak"}',
        b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"name":"top"',
        b"\xff\xff",
    ],
)
def test_every_decoding_fault_is_the_same_and_names_no_field(raw: bytes) -> None:
    with pytest.raises(Invalid, match=r"^invalid request body$") as fault:
        NOTES.decode(raw)

    assert fault.value.field is None


def test_a_body_type_with_a_member_without_default_is_found_at_start() -> None:
    class Demanding(Body, frozen=True):
        name: str

    with pytest.raises(TypeError):
        BodyDecoder(Demanding, 20)


async def test_a_body_is_read_to_its_end() -> None:
    chunks = [b"ab", b"", b"cd"]

    assert await read_body({"headers": []}, Arriving(chunks), 4) == b"abcd"


async def test_a_body_is_refused_while_it_arrives() -> None:
    """Its declared length may be a lie or missing: only what arrives counts."""
    arriving = Arriving([b"aa"] * 1000)

    with pytest.raises(BodyTooLarge):
        await read_body({"headers": [(b"content-length", b"4")]}, arriving, 5)
    assert arriving.left == 997


async def test_a_body_declared_too_large_is_not_even_read() -> None:
    arriving = Arriving([b"aa"])

    with pytest.raises(BodyTooLarge):
        await read_body({"headers": [(b"content-length", b"6")]}, arriving, 5)
    assert arriving.left == 1


async def test_a_client_that_left_is_noticed() -> None:
    with pytest.raises(ClientGone):
        await read_body({"headers": []}, Arriving([b"a"], ends=False), 5)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", {}),
        (b"page=2&sort_by=name", {"page": "2", "sort_by": "name"}),
        (b"page=2&page=3", {"page": "2"}),
        (b"page=&page=3", {}),
        (b"search=a%20b+c%26", {"search": "a b c&"}),
        (b"search=%ff", {"search": "\ufffd"}),
        (b"flag&page=1", {"page": "1"}),
    ],
)
def test_of_a_query_the_first_value_wins_and_empty_is_absent(
    raw: bytes, expected: dict[str, str]
) -> None:
    assert query_of({"query_string": raw}) == expected


@pytest.mark.parametrize(
    ("page", "per_page", "expected"),
    [
        ("", "", Page(1, 10)),
        ("3", "25", Page(3, 25)),
        ("+3", "+007", Page(3, 7)),
        ("0", "0", Page(1, 10)),
        ("-5", "-5", Page(1, 10)),
        ("abc", "abc", Page(1, 10)),
        ("1.5", "1.5", Page(1, 10)),
        (" 2", "2 ", Page(1, 10)),
        ("2\n", "\u0662", Page(1, 10)),
        ("2147483648", "101", Page(2_147_483_647, 100)),
        ("9" * 50_000, "9" * 50_000, Page(2_147_483_647, 100)),
    ],
)
def test_a_page_never_fails(page: str, per_page: str, expected: Page) -> None:
    assert page_of({"page": page, "per_page": per_page}) == expected


def test_an_id_is_read_or_refused_by_the_name_of_its_thing() -> None:
    text = "0190c7a2-0000-7000-8000-000000000001"

    assert str(path_id(text.upper(), "store")) == text
    with pytest.raises(Invalid, match=r"^invalid store id$"):
        path_id("{" + text.replace("-", "") + "}", "store")


class Arriving:
    """A request's body as the server hands it over, chunk by chunk."""

    def __init__(self, chunks: Iterable[bytes], *, ends: bool = True) -> None:
        self._chunks = list(chunks)
        self._ends = ends

    @property
    def left(self) -> int:
        return len(self._chunks)

    async def __call__(self) -> Message:
        if not self._chunks:
            return {"type": "http.disconnect"}
        chunk = self._chunks.pop(0)
        more = bool(self._chunks) or not self._ends
        return {"type": "http.request", "body": chunk, "more_body": more}


@pytest.mark.parametrize(
    ("raw", "depth"),
    [
        (b"{}", 1),
        (b'{"a":[{"b":[[]]}],"c":{}}', 5),
        (b'{"a":"[[[[","b":"\\"[[[[","c":"{\\\\"}', 1),
        (b"[{},{},{},[],[],[]]", 2),
        (b"[[[], [[], {}]], [[[[]]]]]", 5),
    ],
)
def test_depth_counts_brackets_outside_of_texts(raw: bytes, depth: int) -> None:
    assert not nests_deeper(raw, depth)
    assert nests_deeper(raw, depth - 1)


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * MIB,
        b"[]," * (MIB // 3),
        b"[" * 21 + b'"",' * (MIB // 3 - 21),
        b"[" * 21 + b'"' + b'\\"' * (MIB // 2 - 21),
        b"[" * 21 + b'"\\' * (MIB // 2 - 21),
    ],
)
def test_h36_no_body_of_a_mebibyte_takes_long_to_measure(raw: bytes) -> None:
    """One request may cost 250 ms of CPU; this machine may be busy, hence its own time."""
    began = time.process_time()
    nests_deeper(raw, 20)

    assert time.process_time() - began < 0.25
