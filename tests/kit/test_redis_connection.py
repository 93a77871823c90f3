"""One connection without a network: bytes out, bytes in, and who gets which reply."""

import asyncio
import time

import pytest
from redis.exceptions import NoScriptError, ResponseError

from pasar.kit.redis_connection import MAX_OUTSTANDING, Connection, RedisUnavailable
from pasar.kit.redis_tracking import Tracking

TIMEOUT_S = 0.1


class Wire(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.aborted = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def abort(self) -> None:
        self.aborted = True


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
async def connection(wire: Wire) -> Connection:
    connection = Connection(TIMEOUT_S, Tracking())
    connection.connection_made(wire)
    return connection


async def test_commands_of_one_tick_are_one_write(connection: Connection, wire: Wire) -> None:
    connection.submit("GET", "a")
    connection.send("DEL", "b")
    assert wire.written == []

    await asyncio.sleep(0)

    assert wire.written == [b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n*2\r\n$3\r\nDEL\r\n$1\r\nb\r\n"]
    assert connection.round_trips == 1


async def test_a_forgotten_command_leaves_with_a_later_one(
    connection: Connection, wire: Wire
) -> None:
    connection.send("DEL", "b")
    await asyncio.sleep(0)
    assert wire.written == []

    connection.submit("GET", "a")
    await asyncio.sleep(0)

    assert wire.written == [b"*2\r\n$3\r\nDEL\r\n$1\r\nb\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n"]


async def test_a_forgotten_command_leaves_also_when_none_follows(
    connection: Connection, wire: Wire
) -> None:
    connection.send("DEL", "b")
    async with asyncio.timeout(5):
        while not wire.written:
            await asyncio.sleep(0)

    assert connection.round_trips == 1


async def test_what_is_sent_leaves_by_itself_when_no_command_follows(
    connection: Connection, wire: Wire
) -> None:
    connection.send("DEL", "b")

    async with asyncio.timeout(TIMEOUT_S):
        while not wire.written:
            await asyncio.sleep(0)


async def test_replies_cut_anywhere_reach_their_callers(connection: Connection) -> None:
    first, second, third = (connection.submit("GET", name) for name in "abc")

    for byte in b"$3\r\none\r\n_\r\n#f\r\n":
        connection.data_received(bytes([byte]))

    assert await first == b"one"
    assert await second is None
    assert await third is False


async def test_the_reply_to_a_forgotten_command_reaches_nobody(connection: Connection) -> None:
    connection.send("EVAL", "nonsense")
    mine = connection.submit("GET", "a")

    connection.data_received(b"-ERR nonsense\r\n+mine\r\n")

    assert await mine == b"mine"


async def test_a_push_is_no_reply(connection: Connection) -> None:
    mine = connection.submit("GET", "a")

    connection.data_received(b">2\r\n+invalidate\r\n*1\r\n$1\r\na\r\n+mine\r\n")

    assert await mine == b"mine"


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (b"-ERR unknown command\r\n", ResponseError),
        (b"-NOSCRIPT No matching script\r\n", NoScriptError),
        (b"-LOADING dataset in memory\r\n", RedisUnavailable),
        (b"-OOM command not allowed\r\n", RedisUnavailable),
        (b"-READONLY replica\r\n", RedisUnavailable),
    ],
)
async def test_an_error_tells_a_wrong_command_from_a_server_that_cannot(
    connection: Connection, reply: bytes, kind: type[Exception]
) -> None:
    mine = connection.submit("SET", "a", 1)

    connection.data_received(reply)

    with pytest.raises(kind):
        await mine


@pytest.mark.parametrize("nonsense", [b"+nobody asked\r\n", b"?\r\n"])
async def test_nonsense_ends_the_connection(
    connection: Connection, wire: Wire, nonsense: bytes
) -> None:
    connection.data_received(nonsense)

    assert connection.lost
    assert wire.aborted
    with pytest.raises(RedisUnavailable):
        connection.submit("GET", "a")


async def test_a_flood_is_refused_instead_of_kept(connection: Connection, wire: Wire) -> None:
    connection.submit("PING")
    for _ in range(MAX_OUTSTANDING - 1):
        connection.send("PING")

    with pytest.raises(RedisUnavailable, match="too many"):
        connection.submit("GET", "a")
    connection.send("DEL", "a")
    await asyncio.sleep(0)
    assert b"GET" not in wire.written[0]
    assert b"DEL" not in wire.written[0]

    connection.data_received(b"+PONG\r\n")
    assert not connection.submit("GET", "a").done()


async def test_the_end_of_the_stream_fails_all_who_wait(connection: Connection) -> None:
    waiting = [connection.submit("GET", name) for name in "abc"]

    connection.connection_lost(None)

    replies = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(reply) for reply in replies] == [RedisUnavailable] * 3


async def test_one_silent_command_fails_the_later_ones_with_it(
    connection: Connection, wire: Wire
) -> None:
    answered = connection.submit("GET", "a")
    silent = connection.submit("GET", "b")
    connection.data_received(b"+one\r\n")
    began = time.monotonic()
    await asyncio.sleep(TIMEOUT_S / 2)
    later = connection.submit("GET", "c")

    with pytest.raises(RedisUnavailable, match="no answer within"):
        await silent

    assert await answered == b"one"
    assert later.done()
    assert wire.aborted
    assert time.monotonic() - began >= TIMEOUT_S


async def test_each_command_has_the_whole_time_limit(connection: Connection) -> None:
    for _ in range(4):
        mine = connection.submit("GET", "a")
        await asyncio.sleep(TIMEOUT_S * 0.6)
        connection.data_received(b"+ok\r\n")
        assert await mine == b"ok"

    assert not connection.lost


async def test_a_reply_that_lay_unread_while_we_were_busy_still_counts(
    connection: Connection,
) -> None:
    mine = connection.submit("GET", "a")
    loop = asyncio.get_running_loop()
    loop.call_later(TIMEOUT_S + 0.001, connection.data_received, b"+late reading\r\n")

    time.sleep(2 * TIMEOUT_S)  # noqa: ASYNC251  our own loop stands still: the case under test

    assert await mine == b"late reading"
