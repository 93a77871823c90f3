"""Which port is taken instead, and what is said when none may be."""

import asyncio
import os
import random
import socket
import sys
from collections.abc import Callable, Iterator

import pytest

from pasar.engines.errors import EngineError
from pasar.engines.ports import USUAL, any_free, choose, is_free

# A loopback address of its own per test process: the usual ports of 127.0.0.1 are others' too.
HOST = f"127.88.{os.getpid() // 250 % 250}.{os.getpid() % 250 + 1}"
Occupy = Callable[[int], socket.socket]

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="macOS has one loopback address and no /proc"
)


@pytest.fixture
def occupy() -> Iterator[Occupy]:
    held: list[socket.socket] = []

    def hold(port: int) -> socket.socket:
        held.append(socket.create_server((HOST, port)))
        return held[-1]

    yield hold
    for listener in held:
        listener.close()


def test_processes_that_began_with_one_seed_do_not_draw_the_same_port() -> None:
    """As test processes do: whoever binds later would find it taken."""
    drawn = set[int]()
    for _ in range(5):
        random.seed(7)
        drawn.add(any_free(HOST))

    assert len(drawn) > 1


async def test_the_usual_port_comes_first_then_its_substitutes_then_any(occupy: Occupy) -> None:
    first, second, third = USUAL["DB_PORT"]

    assert await choose("DB_PORT", None, HOST) == first
    occupy(first)
    assert await choose("DB_PORT", None, HOST) == second
    occupy(second)
    assert await choose("DB_PORT", None, HOST) == third
    occupy(third)
    assert await choose("DB_PORT", None, HOST) not in USUAL["DB_PORT"]


def test_no_substitute_lies_where_outgoing_connections_are_given_ports() -> None:
    assert all(port < 32768 for ports in USUAL.values() for port in ports[1:])


async def test_a_port_that_was_set_is_never_moved(occupy: Occupy) -> None:
    port = any_free(HOST)
    assert await choose("APP_PORT", port, HOST) == port
    occupy(port)

    with pytest.raises(EngineError) as fault:
        await choose("APP_PORT", port, HOST)
    assert str(fault.value).startswith(f"APP_PORT: port {port} is taken by ")
    assert str(fault.value).endswith(f"(pid {os.getpid()})")
    assert fault.value.exit_code == 78


async def test_an_outgoing_connection_may_hold_the_grpc_port_for_a_moment(occupy: Occupy) -> None:
    listener = occupy(USUAL["PAYMENT_GRPC_PORT"][0])
    asyncio.get_running_loop().call_later(0.15, listener.close)

    assert await choose("PAYMENT_GRPC_PORT", None, HOST) == 50051


async def test_the_remains_of_a_closed_connection_are_no_hindrance(occupy: Occupy) -> None:
    listener = occupy(any_free(HOST))
    port: int = listener.getsockname()[1]
    client = socket.create_connection((HOST, port))
    server, _ = listener.accept()
    server.close()
    client.close()
    listener.close()

    assert is_free(HOST, port)


def test_an_address_of_another_machine_is_an_error_not_a_taken_port() -> None:
    with pytest.raises(EngineError, match=r"cannot listen on 192\.0\.2\.1:5432"):
        is_free("192.0.2.1", 5432)
