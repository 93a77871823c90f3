"""Who of several processes takes a connection; the processes are here side by side in one."""

import asyncio
import errno
import socket
from collections.abc import Generator
from contextlib import ExitStack

import pytest
from structlog.testing import capture_logs

from pasar.store_service.web.accepting import FEW, Doorkeeper
from tests.waiting import eventually

FOR_EVER_S = 60.0


class Guest(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.connection = transport


class Host:
    """A process: whoever it lets in."""

    def __init__(self, listener: socket.socket, pause_s: float) -> None:
        self.guests: list[Guest] = []
        self.door = Doorkeeper(listener.dup(), self._welcome, pause_s)

    def _welcome(self) -> Guest:
        self.guests.append(Guest())
        return self.guests[-1]

    async def end(self) -> None:
        await self.door.close()
        for guest in self.guests:
            guest.connection.abort()
        await asyncio.sleep(0)


@pytest.fixture
def listener() -> Generator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture
def crowd(listener: socket.socket) -> Generator[int]:
    """Connections that came together, before anybody looked."""
    with ExitStack() as open_ones:
        for _ in range(3 * FEW):
            open_ones.enter_context(socket.create_connection(listener.getsockname()))
        yield 3 * FEW


@pytest.mark.usefixtures("crowd")
async def test_of_a_crowd_the_first_process_takes_a_few_and_the_next_its_part(
    listener: socket.socket,
) -> None:
    first, second = Host(listener, FOR_EVER_S), Host(listener, FOR_EVER_S)
    first.door.open()
    await eventually(lambda: len(first.guests) == FEW)
    second.door.open()
    await eventually(lambda: len(second.guests) == FEW)

    assert len(first.guests) == FEW
    await first.end()
    await second.end()


async def test_a_crowd_that_lasts_is_taken_in_twice_as_many(
    listener: socket.socket, crowd: int
) -> None:
    """Else clients who connect for each request would wait for the pauses."""
    host = Host(listener, FOR_EVER_S)
    host.door.open()
    await eventually(lambda: len(host.guests) == FEW)
    host.door.open()  # as the pause would
    await eventually(lambda: len(host.guests) == crowd)

    await host.end()


async def test_after_a_pause_a_process_alone_takes_them_all(
    listener: socket.socket, crowd: int
) -> None:
    host = Host(listener, 0.001)
    host.door.open()
    await eventually(lambda: len(host.guests) == crowd)

    await host.end()


async def test_what_waits_when_a_process_closes_is_for_the_others(
    listener: socket.socket, crowd: int
) -> None:
    first, second = Host(listener, FOR_EVER_S), Host(listener, 0.001)
    first.door.open()
    await eventually(lambda: len(first.guests) == FEW)
    await first.end()
    second.door.open()
    await eventually(lambda: len(second.guests) == crowd - FEW)

    await second.end()


async def test_a_process_out_of_files_tries_again(
    listener: socket.socket, crowd: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = Host(listener, 0.001)

    def none_left(_: socket.socket) -> None:
        monkeypatch.undo()
        raise OSError(errno.EMFILE, "too many open files")

    monkeypatch.setattr(socket.socket, "accept", none_left)
    with capture_logs() as lines:
        host.door.open()
        await eventually(lambda: len(host.guests) == crowd)

    assert [line["event"] for line in lines] == ["no connection could be taken"]
    await host.end()
