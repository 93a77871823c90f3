"""A connection against a scripted nsqd: what it believes, and what makes it hang up."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from pasar.kit.broker import nsq_wire as wire
from pasar.kit.broker.nsq_connection import NsqConnection, NsqRefused
from pasar.kit.broker.nsq_dial import dial
from pasar.kit.broker.nsq_settings import NsqSettings
from tests.waiting import eventually

SETTINGS = NsqSettings(reply_limit_s=0.2, heartbeat_s=0.5, dial_limit_s=2.0)
MESSAGE = struct.pack(">qH", 1, 1) + b"0123456789abcdef" + b"body"


def frame(kind: int, payload: bytes) -> bytes:
    return struct.pack(">II", len(payload) + 4, kind) + payload


OK = frame(wire.RESPONSE, b"OK")


class ScriptedNsqd:
    """Answers IDENTIFY; what it says after that is the test's affair."""

    def __init__(self) -> None:
        self.received = bytearray()
        self._served = asyncio.Event()

    async def start(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        await reader.readuntil(b"IDENTIFY\n")
        await reader.readexactly(struct.unpack(">I", await reader.readexactly(4))[0])
        writer.write(frame(wire.RESPONSE, b"{}"))
        with suppress(ConnectionResetError):  # how an aborted connection ends
            while data := await reader.read(65536):
                self.received += data
        writer.close()
        await writer.wait_closed()
        self._served.set()

    async def stop(self) -> None:
        """After the client has hung up."""
        self._server.close()
        await self._server.wait_closed()
        await self._served.wait()


class Heard:
    def __init__(self) -> None:
        self.messages: list[wire.WireMessage] = []
        self.stale = 0

    def receive(self, _: NsqConnection, message: wire.WireMessage) -> None:
        self.messages.append(message)

    def count_stale(self) -> None:
        self.stale += 1


@pytest.fixture
async def nsqd() -> AsyncIterator[ScriptedNsqd]:
    nsqd = ScriptedNsqd()
    yield nsqd
    await nsqd.stop()


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
async def connection(nsqd: ScriptedNsqd, heard: Heard) -> AsyncIterator[NsqConnection]:
    address = await nsqd.start()
    connection = await dial(address, SETTINGS, heard.receive, heard.count_stale)
    yield connection
    await connection.close()


async def test_row_18_a_message_in_slices_of_one_byte_arrives(
    nsqd: ScriptedNsqd, connection: NsqConnection, heard: Heard
) -> None:
    for byte in frame(wire.MESSAGE, MESSAGE):
        nsqd.writer.write(bytes([byte]))
        await nsqd.writer.drain()
        await asyncio.sleep(0)

    await eventually(lambda: heard.messages == [(1, 1, b"0123456789abcdef", b"body")])
    assert connection.is_open


@pytest.mark.parametrize(
    "nonsense",
    [
        struct.pack(">II", 2**31, wire.MESSAGE),
        frame(9, b"of a kind nobody knows"),
        frame(wire.RESPONSE, b"to a question nobody asked"),
        frame(wire.MESSAGE, b"too short"),
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
    ],
    ids=["2 GiB", "unknown kind", "stray reply", "short message", "other protocol"],
)
async def test_row_18_nonsense_ends_the_connection(
    nsqd: ScriptedNsqd, connection: NsqConnection, nonsense: bytes
) -> None:
    nsqd.writer.write(nonsense)

    async with asyncio.timeout(1):
        await connection.wait_lost()
    assert isinstance(connection.reason, wire.BadFrame)


@pytest.mark.parametrize("code", [b"E_FIN_FAILED", b"E_REQ_FAILED", b"E_TOUCH_FAILED"])
async def test_row_18_a_refused_settlement_is_stale_and_answers_no_publish(
    nsqd: ScriptedNsqd, connection: NsqConnection, heard: Heard, code: bytes
) -> None:
    reply = asyncio.create_task(connection.request(b"PUB"))
    nsqd.writer.write(frame(wire.ERROR, code + b" FIN 0123456789abcdef failed ID not in flight"))
    nsqd.writer.write(OK)

    assert await reply == b"OK"
    assert heard.stale == 1


async def test_another_error_answers_the_oldest_and_ends_the_connection(
    nsqd: ScriptedNsqd, connection: NsqConnection
) -> None:
    first = asyncio.create_task(connection.request(b"PUB 1"))
    second = asyncio.create_task(connection.request(b"PUB 2"))
    await eventually(lambda: nsqd.received == b"PUB 1PUB 2")

    nsqd.writer.write(frame(wire.ERROR, b"E_BAD_TOPIC no good name"))

    with pytest.raises(NsqRefused) as refused:
        await first
    assert refused.value.code == "E_BAD_TOPIC"
    with pytest.raises(ConnectionError, match="connection lost"):
        await second
    assert not connection.is_open


async def test_row_18_a_missing_reply_ends_the_connection_with_its_order(
    connection: NsqConnection,
) -> None:
    with pytest.raises(ConnectionError, match="no reply in time"):
        await connection.request(b"PUB")
    assert not connection.is_open


async def test_row_18_a_reply_to_a_cancelled_request_goes_to_nobody_else(
    nsqd: ScriptedNsqd, connection: NsqConnection
) -> None:
    cancelled = asyncio.create_task(connection.request(b"1"))
    await eventually(lambda: nsqd.received == b"1")
    cancelled.cancel()
    second = asyncio.create_task(connection.request(b"2"))
    await eventually(lambda: nsqd.received == b"12")

    nsqd.writer.write(frame(wire.RESPONSE, b"first") + frame(wire.RESPONSE, b"second"))

    assert await second == b"second"


async def test_heartbeats_are_answered(nsqd: ScriptedNsqd, connection: NsqConnection) -> None:
    nsqd.writer.write(frame(wire.RESPONSE, b"_heartbeat_"))

    await eventually(lambda: nsqd.received == wire.NOP)
    assert connection.is_open


async def test_two_heartbeats_of_silence_end_the_connection(connection: NsqConnection) -> None:
    async with asyncio.timeout(4 * SETTINGS.heartbeat_s):
        await connection.wait_lost()

    assert "silent" in str(connection.reason)


async def test_a_server_that_never_answers_is_given_up() -> None:
    hung_up = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        hung_up.set()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    settings = NsqSettings(dial_limit_s=0.1)

    with pytest.raises(TimeoutError):
        await dial(address, settings, Heard().receive, Heard().count_stale)
    await hung_up.wait()
    server.close()
    await server.wait_closed()
