"""A link passes everything on, until its weather changes; then exactly that goes wrong."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from chaos.proxy import CLEAR, Blackhole, Cut, Latency, Link, Reset

GREETING = b"welcome 12345\n"


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Greet, repeat what comes, and end when the caller does."""
    writer.write(GREETING)
    while chunk := await reader.read(65536):
        writer.write(chunk)
        await writer.drain()
    writer.close()


@pytest.fixture
async def server() -> AsyncGenerator[int]:
    listening = await asyncio.start_server(echo, "127.0.0.1", 0)
    yield listening.sockets[0].getsockname()[1]
    listening.close()


@asynccontextmanager
async def dialled(link: Link) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", await link.start())
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        link.stop()


async def asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, text: bytes) -> bytes:
    writer.write(text)
    async with asyncio.timeout(5):
        return await reader.readexactly(len(text))


async def test_in_clear_weather_bytes_and_the_end_pass_both_ways(server: int) -> None:
    async with dialled(Link(("127.0.0.1", server))) as (reader, writer):
        assert await reader.readline() == GREETING
        large = bytes(range(256)) * 4096
        assert await asked(reader, writer, large) == large
        writer.write_eof()
        assert await reader.read() == b""


async def test_a_reset_ends_open_connections_and_new_ones_until_it_clears(server: int) -> None:
    link = Link(("127.0.0.1", server))
    async with dialled(link) as (reader, _):
        await reader.readline()
        port = link.port
        link.turn(Reset())
        with pytest.raises(ConnectionResetError):
            await reader.readexactly(1)
        refused, _ = await asyncio.open_connection("127.0.0.1", port)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await refused.readexactly(1)
        link.turn(CLEAR)
        again, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await again.readline() == GREETING
        writer.transport.abort()


async def test_a_blackhole_holds_everything_back_and_then_delivers_it(server: int) -> None:
    link = Link(("127.0.0.1", server))
    async with dialled(link) as (reader, writer):
        await reader.readline()
        link.turn(Blackhole())
        writer.write(b"late")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await reader.readexactly(4)
        link.turn(CLEAR)
        assert await reader.readexactly(4) == b"late"


async def test_latency_is_added_both_ways(server: int) -> None:
    link = Link(("127.0.0.1", server))
    async with dialled(link) as (reader, writer):
        await reader.readline()
        link.turn(Latency(0.05))
        began = asyncio.get_running_loop().time()
        await asked(reader, writer, b"slow")
        assert asyncio.get_running_loop().time() - began >= 0.1


@pytest.mark.parametrize("after_bytes", [0, 7])
async def test_an_answer_is_cut_where_aimed_and_only_so_often(
    server: int, after_bytes: int
) -> None:
    link = Link(("127.0.0.1", server))
    async with dialled(link) as (reader, writer):
        await reader.readline()
        link.turn(Cut(b"201", after_bytes, times=1))
        assert await asked(reader, writer, b"HTTP/1.1 400") == b"HTTP/1.1 400"
        writer.write(b"HTTP/1.1 201 Created")
        assert await reader.readexactly(after_bytes) == b"HTTP/1.1 201 Created"[:after_bytes]
        with pytest.raises(ConnectionResetError):
            await reader.readexactly(1)
        again, second = await asyncio.open_connection("127.0.0.1", link.port)
        await again.readline()
        assert await asked(again, second, b"HTTP/1.1 201") == b"HTTP/1.1 201"
        second.transport.abort()


async def test_a_directory_names_the_link_instead_of_the_server(server: int) -> None:
    async with dialled(Link(("127.0.0.1", server), rewrite=(b"12345", b"54321"))) as (reader, _):
        assert await reader.readline() == b"welcome 54321\n"


def test_an_answer_never_changes_its_length() -> None:
    with pytest.raises(ValueError, match="length"):
        Link(rewrite=(b"9999", b"10000"))


async def test_the_next_target_is_dialled_when_one_is_dead(server: int) -> None:
    dead = ("127.0.0.1", 1)
    link = Link(dead, ("127.0.0.1", server))
    async with dialled(link) as (reader, _):
        assert await reader.readline() == GREETING
        second, writer = await asyncio.open_connection("127.0.0.1", link.port)
        assert await second.readline() == GREETING
        writer.transport.abort()
