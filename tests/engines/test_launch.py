"""The whole launch: what is adopted, what is started, and what the services are told."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

import asyncpg
import pytest

from pasar.engines.datadir import DataDirectory
from pasar.engines.errors import EngineError
from pasar.engines.launch import Engines, start_engines
from pasar.engines.leftover import command_line
from pasar.engines.nsq_login import greet_nsqd
from pasar.engines.ports import any_free
from pasar.engines.postgres_login import PostgresLogin, greet
from pasar.engines.valkey_login import ValkeyLogin
from pasar.engines.valkey_login import greet as greet_valkey
from tests.fixtures.engines import HOST, RunningNsq

Launch = Callable[[Mapping[str, str]], Awaitable[Engines]]


@pytest.fixture
async def launch(tmp_path: Path) -> AsyncIterator[Launch]:
    """Without any nsqd unless BROKER asks for it."""
    directory = DataDirectory(tmp_path / "data")
    running: list[Engines] = []

    async def start(variables: Mapping[str, str]) -> Engines:
        running.append(
            await start_engines(variables, directory, say=print, binaries=tmp_path / "bin")
        )
        return running[-1]

    yield start
    for engines in running:
        await engines.stop()
    directory.close()


def naming(postgres: PostgresLogin) -> dict[str, str]:
    return {
        "DB_HOST": postgres.host,
        "DB_PORT": str(postgres.port),
        "DB_USER": postgres.user,
        "DB_PASSWORD": postgres.password,
        "DB_NAME": postgres.database,
    }


def redis_naming(valkey: ValkeyLogin) -> dict[str, str]:
    return {
        "REDIS_HOST": valkey.host,
        "REDIS_PORT": str(valkey.port),
        "REDIS_PASSWORD": valkey.password,
    }


async def test_with_nothing_set_everything_is_ours(launch: Launch, tmp_path: Path) -> None:
    engines = await launch({"DB_HOST": "", "REDIS_PORT": ""})
    postgres, valkey = engines.parts
    told = engines.variables

    assert (postgres.name, postgres.version) == ("postgres", "18.6")
    assert (valkey.name, valkey.version) == ("valkey", "9.1.2")
    assert "embedded" in postgres.reason
    assert postgres.data == tmp_path / "data" / "pg"
    assert told["BROKER"] == "streams"
    assert engines.broker.reason.startswith("BROKER=auto, NSQD_ADDR not set, no ")
    assert told["DB_PASSWORD"] not in repr(engines)

    login = PostgresLogin(
        host=told["DB_HOST"],
        port=int(told["DB_PORT"]),
        user=told["DB_USER"],
        password=told["DB_PASSWORD"],
        database=told["DB_NAME"],
    )
    assert await greet(login) == "18.6"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await run_as(login, "SELECT pg_read_file('/etc/passwd')")


async def run_as(login: PostgresLogin, sql: str) -> None:
    connection = await asyncpg.connect(
        host=login.host,
        port=login.port,
        user=login.user,
        password=login.password,
        database=login.database,
    )
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


async def test_servers_that_are_named_are_used_and_never_stopped(
    launch: Launch, postgres: PostgresLogin, valkey: ValkeyLogin, nsq: RunningNsq
) -> None:
    named = {**naming(postgres), **redis_naming(valkey), "NSQD_ADDR": nsq.nsqd_tcp}
    engines = await launch(named)
    await engines.stop()

    assert [part.reason for part in engines.parts] == [
        f"external (DB_HOST={postgres.host}:{postgres.port})",
        f"external (REDIS_HOST={valkey.host}:{valkey.port})",
        f"external (NSQD_ADDR={nsq.nsqd_tcp})",
    ]
    assert [part.version for part in engines.parts] == ["18.6", "9.1.2", "1.3.0"]
    assert all(part.engine is None and part.data is None for part in engines.parts)
    assert engines.variables.items() >= named.items()
    assert engines.variables["BROKER"] == "nsq"
    assert engines.warnings == ()
    assert await greet(postgres) == "18.6"
    assert await greet_valkey(valkey) == "9.1.2"


async def test_a_redis_that_may_lose_messages_is_warned_of(
    launch: Launch, postgres: PostgresLogin, valkey: ValkeyLogin
) -> None:
    """The tests' Valkey keeps nothing on disk."""
    engines = await launch({**naming(postgres), **redis_naming(valkey), "BROKER": "streams"})

    (warning,) = engines.warnings
    assert "appendonly is off" in warning


async def test_an_address_of_ours_where_nothing_listens_gets_exactly_that_server(
    launch: Launch, postgres: PostgresLogin
) -> None:
    port = any_free(HOST)
    engines = await launch({**naming(postgres), "REDIS_PORT": str(port), "REDIS_PASSWORD": "mine"})
    valkey = engines.parts[1]

    assert valkey.reason == f"embedded (nothing listened on localhost:{port})"
    assert valkey.address == f"127.0.0.1:{port}"
    assert await greet_valkey(ValkeyLogin(host=HOST, port=port, password="mine")) == "9.1.2"


async def test_a_part_that_died_can_be_started_again(
    launch: Launch, postgres: PostgresLogin
) -> None:
    engines = await launch(naming(postgres))
    engine = engines.parts[1].engine
    assert engine is not None
    await engine.stop()
    assert await engine.wait() == 0

    assert await engine.start() == "9.1.2"


async def test_when_one_fails_those_before_it_are_stopped(
    launch: Launch, postgres: PostgresLogin, tmp_path: Path
) -> None:
    pid_file = tmp_path / "data" / "valkey" / "valkey.pid"
    with pytest.raises(EngineError, match="no nsqd here: run make nsq") as fault:
        await launch({**naming(postgres), "BROKER": "nsq"})

    assert fault.value.exit_code == 78
    assert not pid_file.exists()
    assert "ready to accept" in (tmp_path / "data" / "log" / "valkey.log").read_text().lower()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"DB_PASSWORD": "wrong"}, r"^DB_HOST=.* refuses the login: password authentication"),
        ({"DB_NAME": "none"}, r"^DB_HOST=.* refuses the login: database .none. does not exist"),
        ({"DB_PORT": "x"}, r"^invalid DB_PORT: 'x'"),
        ({"DB_SSLMODE": "maybe"}, r"^invalid DB_SSLMODE: 'maybe'"),
        ({"DB_HOST": "", "DB_PORT": "", "DB_SSLMODE": "require"}, r"^DB_SSLMODE=require: the emb"),
        ({"DB_HOST": "", "DB_PORT": "", "DB_USER": "pasar_owner"}, r"^DB_USER=pasar_owner is "),
    ],
)
async def test_a_setting_that_cannot_be_used_is_named(
    launch: Launch, postgres: PostgresLogin, change: Mapping[str, str], sentence: str
) -> None:
    with pytest.raises(EngineError, match=sentence):
        await launch({**naming(postgres), **change})


async def test_something_else_on_the_named_port_is_told_from_postgres_and_redis(
    launch: Launch, postgres: PostgresLogin, valkey: ValkeyLogin
) -> None:
    """Each gets the other's server; the sentence names who really listens."""
    with pytest.raises(EngineError, match=r"listens there, but not as PostgreSQL$"):
        await launch({**naming(postgres), "DB_PORT": str(valkey.port)})
    with pytest.raises(EngineError, match=r"postgres \(pid \d+\) listens there, but not as Redis"):
        await launch({**naming(postgres), "REDIS_PORT": str(postgres.port)})


async def test_nsq_of_ours_is_reachable_where_it_is_said_to_be(
    nsq_binaries: Path, tmp_path: Path, postgres: PostgresLogin, valkey: ValkeyLogin
) -> None:
    tcp, lookup = any_free(HOST), any_free(HOST)
    directory = DataDirectory(tmp_path)
    engines = await start_engines(
        {
            **naming(postgres),
            **redis_naming(valkey),
            "NSQD_ADDR": f"localhost:{tcp}",
            "NSQ_LOOKUPD_ADDR": f"localhost:{lookup}",
        },
        directory,
        say=print,
        binaries=nsq_binaries,
    )
    told = engines.variables
    pids = [part.engine.child.pid for part in engines.parts if part.engine is not None]

    assert told["NSQD_ADDR"] == f"127.0.0.1:{tcp}"
    assert told["NSQD_HTTP_ADDR"] == f"127.0.0.1:{tcp + 1}"
    assert told["NSQ_LOOKUPD_ADDR"] == f"127.0.0.1:{lookup}"
    assert await greet_nsqd(HOST, tcp) == "1.3.0"
    await engines.stop()
    directory.close()
    assert len(pids) == 2
    assert not any(map(command_line, pids))
