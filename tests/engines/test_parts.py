"""How an engine of ours gets its ports when a stranger is faster."""

import socket
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from pasar.engines.datadir import DataDirectory
from pasar.engines.decisions import Decision, Whose
from pasar.engines.engine import Engine
from pasar.engines.errors import EngineDied, EngineError
from pasar.engines.parts import Starter
from pasar.engines.ports import USUAL, any_free

ANYWHERE = Decision(Whose.OURS_ANYWHERE, "embedded (DB_HOST not set)")
HERE = Decision(Whose.OURS_EXACTLY_THERE, "embedded (nothing listened there)")
HOST = "127.88.251.1"  # the usual ports of 127.0.0.1 are others' too


class Racing(Engine):
    """An engine whose port is bound by a stranger just before its own bind, `losses` times."""

    def __init__(self, ports: Mapping[str, int], losses: list[socket.socket]) -> None:
        super().__init__(None)
        self._port = ports["DB_PORT"]
        self._losses = losses

    async def start(self) -> str:
        if len(self._losses) < 1:
            self._losses.append(socket.create_server((HOST, self._port)))
            raise EngineDied("address already in use")
        return "1.0"


class Broken(Racing):
    async def start(self) -> str:
        raise EngineDied("no space left")


@pytest.fixture
def losses() -> Iterator[list[socket.socket]]:
    held: list[socket.socket] = []
    yield held
    for listener in held:
        listener.close()


@pytest.fixture
def starter(tmp_path: Path) -> Iterator[Starter]:
    directory = DataDirectory(tmp_path)
    yield Starter({}, directory, print)
    directory.close()


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="macOS has one loopback address")


async def test_a_port_lost_between_look_and_bind_means_the_next_candidate(
    starter: Starter, losses: list[socket.socket]
) -> None:
    ports = await starter.start(
        "postgres", ANYWHERE, HOST, {"DB_PORT": None}, lambda ports: Racing(ports, losses)
    )

    first, second, _ = USUAL["DB_PORT"]
    assert ports == {"DB_PORT": second}
    (part,) = starter.parts
    assert part.reason == f"embedded, {second} because {first} is taken"
    assert part.address == f"{HOST}:{second}"


async def test_a_port_that_was_set_is_not_replaced_even_then(
    starter: Starter, losses: list[socket.socket]
) -> None:
    port = any_free(HOST)
    with pytest.raises(EngineError, match=rf"^DB_PORT: port {port} is taken by "):
        await starter.start(
            "postgres", HERE, HOST, {"DB_PORT": port}, lambda ports: Racing(ports, losses)
        )
    assert starter.parts == []


async def test_a_death_for_another_reason_is_told_at_once(
    starter: Starter, losses: list[socket.socket]
) -> None:
    with pytest.raises(EngineDied, match="no space left"):
        await starter.start(
            "postgres", ANYWHERE, HOST, {"DB_PORT": None}, lambda ports: Broken(ports, losses)
        )
