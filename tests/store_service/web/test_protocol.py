"""What one client may take of the server (reliability H35, H36): all times are scaled down."""

import asyncio
import json
import resource
import socket
import time
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from pasar.store_service.web.protocol import LINGER_S
from pasar.store_service.web.route import PUBLIC, Call
from tests.store_service.web.serving import LIMITS, SETTINGS, Running, request, running
from tests.store_service.web.toy import ToyShop, row
from tests.waiting import eventually

SCALED = replace(
    SETTINGS,
    connection=replace(
        LIMITS,
        header_timeout_s=0.2,
        read_timeout_s=0.6,
        write_timeout_s=1.0,
        idle_timeout_s=0.4,
        max_head_bytes=2000,
    ),
)
POST = b"POST /toys HTTP/1.1\r\nHost: shop\r\n"
MIB = 2**20


async def lifetime(server: Running, first: bytes, then: bytes, every_s: float) -> float:
    """Send `first`, then `then` again and again; return after how long the server cut it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    began = time.monotonic()
    writer.write(first)
    ended = asyncio.ensure_future(reader.read())
    while not ended.done() and time.monotonic() - began < 10:
        writer.write(then)
        await asyncio.wait([ended], timeout=every_s)
    took = time.monotonic() - began
    writer.close()
    await asyncio.gather(ended, writer.wait_closed(), return_exceptions=True)
    return took


@pytest.mark.parametrize(
    ("first", "then", "at_s"),
    [
        (b"", b"", 0.2),
        (b"", b"\r\n", 0.2),
        (b"GET /toys HTTP/1.1\r\n", b"x", 0.2),
        (b"GET /toys HTTP/1.1\r\n", b"a: b\r\n", 0.2),
        (POST + b"Content-Length: 1000\r\n\r\n", b" ", 0.6),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n", 0.6),
        (request("GET", "/toys", ""), b"", 0.4),
        (request("GET", "/toys", ""), b"\r\n", 0.4),
        (request("GET", "/toys", "") + b"GET /to", b"y", 0.2),
    ],
)
async def test_h35_a_client_that_dawdles_is_cut_off(first: bytes, then: bytes, at_s: float) -> None:
    async with running(ToyShop(), SCALED) as server:
        took = await lifetime(server, first, then, every_s=0.01)

    assert at_s * 0.9 <= took < at_s + 0.5


async def test_an_answer_reaches_its_client_in_one_piece() -> None:
    async with running(ToyShop(public=0)) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        pieces: list[bytes] = []
        for _ in range(50):
            writer.write(request("GET", "/toys", ""))
            pieces.append(await reader.read(65_536))
        writer.close()
        await writer.wait_closed()

    assert all(piece.endswith(b"}") for piece in pieces)


async def test_h35_a_crowd_that_dawdles_is_gone_in_time_and_others_are_served_meanwhile() -> None:
    async with running(ToyShop(public=0), SCALED) as server:
        crowd = asyncio.gather(*(lifetime(server, b"GET ", b"x", 0.05) for _ in range(60)))
        served = 0
        while not crowd.done():
            answer = await server.exchange(request("GET", "/toys"))
            assert answer.startswith(b"HTTP/1.1 200 ")
            served += 1
        lifetimes = await crowd

    assert max(lifetimes) < 1.5
    assert served > 10


async def test_an_answer_may_take_longer_than_the_request_might_have() -> None:
    shop = ToyShop()
    limits = replace(SCALED.connection, header_timeout_s=0.05, read_timeout_s=0.05)
    async with running(shop, replace(SCALED, connection=limits)) as server:
        asked = asyncio.ensure_future(server.exchange(request("GET", "/slow")))
        began = time.monotonic()
        await eventually(lambda: time.monotonic() - began > 0.3)
        shop.toys.gate.set()

        assert (await asked).startswith(b"HTTP/1.1 200 ")


async def test_d36_an_answer_that_is_not_read_is_cut_off() -> None:
    class Library:
        async def read(self, _call: Call[None]) -> msgspec.Raw:
            return msgspec.Raw(b'"%s"' % (b"x" * 20 * MIB))

    shop = ToyShop(rows=[row("GET", "/a", Library.read, access=PUBLIC)], handlers=[Library()])
    async with running(shop, SCALED) as server:
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.setblocking(False)
            client.send(request("GET", "/a", ""))
            got = await read_slowly(client, 1000, every_s=0.02)

    assert 0 < got < 20 * MIB


async def read_slowly(client: socket.socket, at_once: int, every_s: float) -> int:
    """Read until the other side ends; return how many bytes came. It may take ten seconds."""
    got = 0
    async with asyncio.timeout(10):
        while True:
            await asyncio.sleep(every_s)
            try:
                piece = client.recv(at_once if got < 50_000 else MIB)
            except BlockingIOError:
                continue
            except ConnectionResetError:
                return got
            if not piece:
                return got
            got += len(piece)


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /toys HTTP/1.1\r\n" + b"a: b\r\n" * 400 + b"\r\n",
        b"GET /toys HTTP/1.1\r\na: " + b"b" * 5000,
        b"GET /toys?" + b"b" * 5000,
    ],
)
@pytest.mark.parametrize(("piece_bytes", "sent_bytes"), [(100, 2001), (10_000, 10_000)])
async def test_h35_a_head_that_is_too_large_is_refused(
    raw: bytes, piece_bytes: int, sent_bytes: int
) -> None:
    async with running(ToyShop(), SCALED) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        sent = raw[:sent_bytes]
        for at in range(0, len(sent), piece_bytes):
            writer.write(sent[at : at + piece_bytes])
            await asyncio.sleep(0)
        answer = await reader.read()
        writer.close()

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 431 ")
    (error,) = json.loads(body)["errors"]
    assert error == {"code": "VALIDATION_ERROR", "message": "request header fields too large"}


async def test_a_body_is_not_counted_as_head() -> None:
    body = json.dumps({"name": "top", "pieces": 1}).encode() + b" " * 900
    head = POST + b"Connection: close\r\na: %s\r\n" % (b"b" * 1800)
    async with running(ToyShop(), SCALED) as server:
        answer = await server.exchange(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)

    assert answer.startswith(b"HTTP/1.1 201 ")


async def test_h35_connections_beyond_the_cap_are_told_503() -> None:
    limits = replace(LIMITS, max_connections=2)
    async with running(ToyShop(), replace(SETTINGS, connection=limits)) as server:
        held = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(2)]
        for _, writer in held:  # accepted for sure, once answered
            writer.write(request("GET", "/toys", ""))
        for reader, _ in held:
            await reader.readuntil(b"\r\n\r\n")
        refused = await server.exchange(b"")
        held[0][1].close()
        await held[0][1].wait_closed()
        answers = [refused]
        while not answers[-1].startswith(b"HTTP/1.1 200 "):
            answers.append(await server.exchange(request("GET", "/toys")))
        held[1][1].close()

    head, _, body = refused.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 1" in head
    assert json.loads(body)["errors"][0]["code"] == "SERVICE_UNAVAILABLE"


async def test_h36_an_endless_body_is_refused_at_once_and_costs_no_memory() -> None:
    """A client that would send 1 GiB, in chunks and without a length, until it is refused."""
    piece = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    before = resident_bytes()
    async with running(ToyShop()) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        began = time.monotonic()
        writer.write(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        answer = asyncio.ensure_future(reader.readline())
        sent = 0
        while not answer.done() and sent < 1024 * MIB:
            writer.write(piece)
            sent += len(piece)
            await writer.drain()
        refused_after = time.monotonic() - began
        took = await swallowed(writer, piece)

    assert answer.result().startswith(b"HTTP/1.1 413 ")  # the phrase is the Python version's
    assert refused_after < 1
    assert sent < 64 * MIB
    assert took < LINGER_S + 2
    assert resident_bytes() - before < 20 * MIB


async def swallowed(writer: asyncio.StreamWriter, piece: bytes) -> float:
    """Go on sending; return after how long the server would have no more."""
    began = time.monotonic()
    async with asyncio.timeout(10):
        try:
            while True:
                writer.write(piece)
                await writer.drain()
        except ConnectionError:
            return time.monotonic() - began


async def test_the_rest_of_a_refused_body_does_not_cost_the_connection() -> None:
    """A client that sends all it announced can go on with its next request."""
    async with running(ToyShop()) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(POST + b"Content-Length: 5000\r\n\r\n" + b" " * 2500)
        first = await reader.readuntil(b"\r\n\r\n")
        writer.write(b" " * 2500 + request("GET", "/toys"))
        rest = await reader.read()
        writer.close()

    assert first.startswith(b"HTTP/1.1 413 ")
    assert b"HTTP/1.1 200 OK" in rest


@pytest.mark.parametrize(
    "announced",
    [
        b"Content-Length: 100000\r\n",
        b"Content-Length: 100000000000\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Length: 2000\r\nExpect: 100-continue\r\n",
    ],
)
async def test_who_is_refused_with_much_still_to_send_is_told_that_this_was_the_last(
    announced: bytes,
) -> None:
    """Also who waits for leave to send: a next request would be taken for the body."""
    piece = b"800\r\n" + b" " * 0x800 + b"\r\n" if b"chunked" in announced else b""
    async with running(ToyShop()) as server:
        began = time.monotonic()
        answer = await server.exchange(POST + announced + b"\r\n" + piece)
        took = time.monotonic() - began

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"\r\nconnection: close\r\n" in answer
    assert took < LINGER_S


async def test_what_follows_the_last_answer_is_not_done() -> None:
    shop, good = ToyShop(), json.dumps({"name": "top", "pieces": 1}).encode()
    add = POST + b"Content-Length: %d\r\n\r\n" % len(good) + good
    async with running(shop) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(POST + b"Transfer-Encoding: chunked\r\n\r\n800\r\n" + b" " * 0x800 + b"\r\n")
        answer = await reader.read()
        writer.write(b"0\r\n\r\n" + add)
        took = await swallowed(writer, add)

    assert answer.count(b"HTTP/1.1 ") == 1
    assert shop.toys.calls == []
    assert took < LINGER_S


async def test_requests_sent_ahead_are_answered_one_after_the_other() -> None:
    good = json.dumps({"name": "top", "pieces": 1}).encode()
    add = POST + b"Content-Length: %d\r\n\r\n" % len(good) + good
    async with running(ToyShop(), SCALED) as server:
        answer = await server.exchange(add * 3 + request("GET", "/toys"))

    assert answer.count(b"HTTP/1.1 201 ") == 3
    assert answer.count(b"HTTP/1.1 200 ") == 1


async def test_h37_a_compressed_body_is_never_unpacked() -> None:
    bomb = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff" + b"\xed\xc1\x01\x0d\x00\x00\x00\xc2" * 90
    head = POST + b"Content-Encoding: gzip\r\nConnection: close\r\n"
    async with running(ToyShop()) as server:
        answer = await server.exchange(head + b"Content-Length: %d\r\n\r\n" % len(bomb) + bomb)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"invalid request body" in answer


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
