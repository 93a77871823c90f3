"""A server that says good-bye while nobody asks: its connection is at its end, though open."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import replace

import pytest

from pasar.kit.errors import Unavailable
from pasar.kit.postgres import PostgresDatabase, PostgresSettings
from pasar.kit.postgres_listen import Listener, Wakeups
from tests.kit.databases import opened

GOOD_BYE = b"terminating connection"
END_WAKEUPS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'wakeups'
"""
_TURNS = 20  # of the event loop, ample for it to read what lies on the socket already


class Relay:
    """Passes bytes on to a server, but never the end of the conversation."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.said_good_bye = asyncio.Event()
        self._writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, server = await asyncio.open_connection("127.0.0.1", self.port)
        self._writers += [writer, server]
        with suppress(OSError):
            await asyncio.gather(self._pass(reader, server), self._pass(answers, writer))

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while chunk := await source.read(65536):
            sink.write(chunk)
            await sink.drain()
            if GOOD_BYE in chunk:
                self.said_good_bye.set()

    async def good_bye_arrived(self) -> None:
        await self.said_good_bye.wait()
        for _ in range(_TURNS):
            await asyncio.sleep(0)

    def close(self) -> None:
        for writer in self._writers:
            writer.transport.abort()


@pytest.fixture
async def relay(clone: PostgresSettings) -> AsyncGenerator[tuple[Relay, PostgresSettings]]:
    between = Relay(clone.port)
    listening = await asyncio.start_server(between.serve, "127.0.0.1", 0)
    port: int = listening.sockets[0].getsockname()[1]
    yield between, replace(clone, port=port, pool_size=1)
    between.close()
    listening.close()


async def test_h24_a_connection_that_was_told_good_bye_is_unavailable_once_and_then_replaced(
    relay: tuple[Relay, PostgresSettings], owner: PostgresDatabase
) -> None:
    between, settings = relay
    async with opened(settings) as database:
        row = await database.fetch_one("SELECT pg_backend_pid() AS pid")
        assert row is not None
        await owner.execute("SELECT pg_terminate_backend($1)", row["pid"])
        await between.good_bye_arrived()

        with pytest.raises(Unavailable):
            await database.fetch_one("SELECT 1")
        assert await database.fetch_one("SELECT 1 AS yes") == {"yes": 1}


async def test_h24_wake_ups_go_on_after_the_good_bye_of_their_connection(
    relay: tuple[Relay, PostgresSettings], clone: PostgresSettings, owner: PostgresDatabase
) -> None:
    between, settings = relay
    heard = asyncio.Event()
    listener = Listener(clone, "work", heard.set)
    wakeups = Wakeups(replace(settings, application_name="wakeups"), "work")
    async with asyncio.TaskGroup() as running:
        jobs = [running.create_task(job.run()) for job in (listener, wakeups)]
        await heard.wait()
        heard.clear()
        wakeups.notify()
        await heard.wait()
        await owner.execute(END_WAKEUPS)
        await between.good_bye_arrived()
        heard.clear()
        while not heard.is_set():
            wakeups.notify()
            await asyncio.sleep(0.01)
        for job in jobs:
            job.cancel()
