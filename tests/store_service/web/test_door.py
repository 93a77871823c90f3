"""Who is let in by which process, when several stand at one listening socket."""

import asyncio
import os
import resource
import socket
from collections.abc import Generator

import pytest

from pasar.store_service.web.door import Door
from tests.waiting import eventually

HOST = "127.0.0.1"
CROWD = 64


class House:
    """A process behind the shared socket; keeps whom it let in."""

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener.dup()
        self.guests: list[asyncio.BaseTransport] = []
        self.door = Door(self.listener, lambda: Guest(self), backlog=CROWD)

    async def close(self) -> None:
        await self.door.close()
        self.listener.close()
        for guest in self.guests:
            guest.close()


class Guest(asyncio.Protocol):
    def __init__(self, house: House) -> None:
        self.house = house

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.house.guests.append(transport)


@pytest.fixture
def listener() -> Generator[socket.socket]:
    with socket.create_server((HOST, 0)) as made:
        yield made


def knock(listener: socket.socket) -> socket.socket:
    return socket.create_connection(listener.getsockname())


async def test_those_who_come_together_are_shared_by_all_processes(listener: socket.socket) -> None:
    houses = [House(listener), House(listener)]
    crowd = [knock(listener) for _ in range(CROWD)]
    await eventually(lambda: sum(len(house.guests) for house in houses) == CROWD)

    assert min(len(house.guests) for house in houses) >= CROWD // 4
    for house in houses:
        await house.close()
    for person in crowd:
        person.close()


async def test_whoever_comes_without_a_file_left_is_let_in_once_there_is_one(
    listener: socket.socket,
) -> None:
    house = House(listener)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with knock(listener):
        await eventually(lambda: len(house.guests) == 1)
        with knock(listener):
            next_file = os.dup(0)
            os.close(next_file)
            resource.setrlimit(resource.RLIMIT_NOFILE, (next_file, hard))
            try:
                await asyncio.sleep(0.01)  # the loop looks and finds no room
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            refused = len(house.guests) == 1
            await eventually(lambda: len(house.guests) == 2)

    assert refused
    await house.close()


async def test_nobody_is_let_in_by_a_closed_door(listener: socket.socket) -> None:
    closed, other = House(listener), House(listener)
    await closed.close()
    with knock(listener):
        await eventually(lambda: len(other.guests) == 1)

    assert closed.guests == []
    await other.close()
