"""The asyncpg adapter on a real server: what it promises beyond running SQL."""

import asyncio
import socket
from contextlib import suppress
from dataclasses import replace
from typing import Self

import pytest

from pasar.kit.errors import Unavailable
from pasar.kit.postgres import PostgresDatabase, PostgresSettings
from tests.kit.databases import ADD_CATEGORY, count, opened
from tests.waiting import eventually

PID = "SELECT pg_backend_pid() AS pid"
ENDLESS = "SELECT pg_sleep(30)"


async def is_running(owner: PostgresDatabase) -> bool:
    sql = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND query = $1"
    return bool(await owner.fetch(f"{sql} AND state = 'active'", ENDLESS))


class Link:
    """A TCP link to the server that can go dead: it stays open and carries nothing."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._writers: list[asyncio.StreamWriter] = []
        self.dead = False
        self.port = 0

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(self._join, "127.0.0.1", 0)
        self.port = self._listener.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        for writer in self._writers:
            writer.close()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._server_port)
        self._writers += writer, far_writer
        await asyncio.gather(self._carry(reader, far_writer), self._carry(far_reader, writer))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                if not self.dead:
                    writer.write(data)
            writer.close()


async def test_a_session_has_the_rights_and_limits_of_its_service(clone: PostgresSettings) -> None:
    settings = replace(
        clone,
        role="payment_app",
        search_path="payment",
        statement_timeout_s=4,
        lock_timeout_s=2,
        idle_tx_timeout_s=9,
    )
    names = (
        "role",
        "search_path",
        "statement_timeout",
        "lock_timeout",
        "idle_in_transaction_session_timeout",
        "TimeZone",
        "jit",
        "transaction_isolation",
    )
    async with opened(settings) as database:
        rows = await database.fetch(
            "SELECT name, current_setting(name) AS value FROM unnest($1::text[]) name", names
        )

    values = ["payment_app", "payment", "4s", "2s", "9s", "UTC", "off", "read committed"]
    assert [row["value"] for row in rows] == values


async def test_d18_an_exhausted_pool_is_unavailable_after_the_wait(clone: PostgresSettings) -> None:
    async with opened(replace(clone, pool_size=1, pool_wait_s=0.05)) as database:
        async with database.begin():
            with pytest.raises(Unavailable):
                await database.ping()
        await database.ping()


async def test_a_statement_over_its_limit_is_unavailable(clone: PostgresSettings) -> None:
    async with opened(replace(clone, statement_timeout_s=0.05)) as database:
        with pytest.raises(Unavailable):
            await database.fetch("SELECT pg_sleep(10)")
        await database.ping()


async def test_h24_a_server_that_is_away_is_unavailable(clone: PostgresSettings) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        async with opened(replace(clone, port=unused.getsockname()[1])) as database:
            with pytest.raises(Unavailable):
                await database.ping()
            with pytest.raises(Unavailable):
                async with database.begin():
                    pytest.fail("there is no transaction")


async def test_h24_a_server_that_never_answers_is_unavailable(clone: PostgresSettings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as frozen:
        settings = replace(clone, port=frozen.getsockname()[1], connect_timeout_s=0.05)
        async with opened(settings) as database:
            with pytest.raises(Unavailable):
                await database.ping()


async def test_h24_a_database_that_is_not_there_is_unavailable(clone: PostgresSettings) -> None:
    async with opened(replace(clone, database="nowhere")) as database:
        with pytest.raises(Unavailable):
            await database.ping()


async def test_h24_a_cut_connection_fails_its_transaction_and_is_replaced(
    clone: PostgresSettings, owner: PostgresDatabase
) -> None:
    async with opened(replace(clone, pool_size=1)) as database:

        async def lose_the_connection_halfway() -> None:
            async with database.begin() as tx:
                await tx.execute(ADD_CATEGORY, "Tea")
                [row] = await tx.fetch(PID)
                await owner.execute("SELECT pg_terminate_backend($1, 5000)", row["pid"])
                await tx.execute(ADD_CATEGORY, "Coffee")

        with pytest.raises(Unavailable):
            await lose_the_connection_halfway()
        await database.ping()
    assert await count(owner) == 0


async def test_h24_an_idle_connection_cut_meanwhile_is_replaced(
    clone: PostgresSettings, owner: PostgresDatabase
) -> None:
    async with opened(replace(clone, pool_size=1)) as database:
        [before] = await database.fetch(PID)
        await owner.execute("SELECT pg_terminate_backend($1, 5000)", before["pid"])

        async def answers() -> bool:
            try:
                return [before] != await database.fetch(PID)
            except Unavailable:
                return False

        await eventually(answers)


async def test_h31_a_cancelled_caller_leaves_no_statement_and_a_usable_connection(
    clone: PostgresSettings, owner: PostgresDatabase
) -> None:
    async with opened(replace(clone, pool_size=1)) as database:
        [before] = await database.fetch(PID)
        asking = asyncio.create_task(database.fetch(ENDLESS))
        await eventually(lambda: is_running(owner))
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

        assert await database.fetch(PID) == [before]
        assert not await is_running(owner)


async def test_h31_a_cancelled_transaction_rolls_back(
    clone: PostgresSettings, owner: PostgresDatabase
) -> None:
    written = asyncio.Event()

    async with opened(replace(clone, pool_size=1)) as database:

        async def work() -> None:
            async with database.begin() as tx:
                await tx.execute(ADD_CATEGORY, "Tea")
                written.set()
                await tx.fetch(ENDLESS)

        working = asyncio.create_task(work())
        await written.wait()
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working

        await database.ping()
    assert await count(owner) == 0


async def test_releasing_a_connection_costs_no_reset(clone: PostgresSettings) -> None:
    """Seen by a session setting that outlives its borrower; nothing in the program makes one."""
    async with opened(replace(clone, pool_size=1)) as database:
        await database.execute("SET work_mem = '1234kB'")

        assert await database.fetch_one("SHOW work_mem") == {"work_mem": "1234kB"}


async def test_closing_cuts_off_what_runs_over_the_grace(
    clone: PostgresSettings, owner: PostgresDatabase
) -> None:
    database = await PostgresDatabase.open(replace(clone, statement_timeout_s=1))
    asking = asyncio.create_task(database.fetch(ENDLESS))
    await eventually(lambda: is_running(owner))
    await database.close(grace_s=0.05)

    with pytest.raises(Unavailable):
        await asking


async def test_h24_a_link_that_goes_dead_is_unavailable(clone: PostgresSettings) -> None:
    """Not even the server's own time-out arrives: its clock is doubled by one on this side."""
    async with Link(clone.port) as link:
        settings = replace(clone, port=link.port, pool_size=1, statement_timeout_s=0.05)
        async with opened(settings) as database:
            await database.ping()
            link.dead = True
            async with asyncio.timeout(5):
                with pytest.raises(Unavailable):
                    await database.ping()
            link.dead = False

            await database.ping()
