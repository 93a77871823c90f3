import asyncio
import socket
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from pasar.kit.postgres import PostgresDatabase, PostgresSettings
from pasar.kit.postgres_listen import Listener, Wakeups
from tests.waiting import eventually

LISTENERS = "SELECT pid FROM pg_stat_activity WHERE application_name = 'ear'"
CHANNEL = "outbox"


class Ear:
    """Counts the wake-ups of one listener."""

    def __init__(self, settings: PostgresSettings, channel: str = CHANNEL) -> None:
        settings = replace(settings, role="store_app", application_name="ear")
        self.heard = 0
        self.listener = Listener(settings, channel, self._hear)

    def _hear(self) -> None:
        self.heard += 1


@asynccontextmanager
async def running(*parts: Wakeups | Listener) -> AsyncGenerator[None]:
    tasks = [asyncio.create_task(part.run()) for part in parts]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def test_a_notify_wakes_every_listener_of_its_channel(clone: PostgresSettings) -> None:
    wakeups = Wakeups(replace(clone, role="store_app"), CHANNEL)
    one, two, other = Ear(clone), Ear(clone), Ear(clone, "another")
    async with running(wakeups, one.listener, two.listener, other.listener):
        await eventually(lambda: one.heard == two.heard == other.heard == 1)
        wakeups.notify()
        await eventually(lambda: one.heard == two.heard == 2)

    assert other.heard == 1


async def test_a_crowd_of_notifies_is_one_wake_up(clone: PostgresSettings) -> None:
    wakeups, ear = Wakeups(clone, CHANNEL), Ear(clone)
    async with running(wakeups, ear.listener):
        await eventually(lambda: ear.heard == 1)
        for _ in range(1000):
            wakeups.notify()
        await eventually(lambda: ear.heard == 2)
        wakeups.notify()
        await eventually(lambda: ear.heard == 3)


async def test_at_most_one_notify_leaves_per_ten_milliseconds(clone: PostgresSettings) -> None:
    wakeups, ear = Wakeups(clone, CHANNEL), Ear(clone)
    async with running(wakeups, ear.listener):
        await eventually(lambda: ear.heard == 1)
        start = time.monotonic()
        while ear.heard < 5:
            wakeups.notify()
            await asyncio.sleep(0)

    assert time.monotonic() - start >= 3 * 0.01


async def test_a_cut_listener_is_back_by_itself_and_looks_at_once(
    clone: PostgresSettings, owner: PostgresDatabase
) -> None:
    ear = Ear(clone)
    async with running(ear.listener):
        await eventually(lambda: ear.heard == 1)
        [row] = await owner.fetch(LISTENERS)
        await owner.execute("SELECT pg_terminate_backend($1, 5000)", row["pid"])

        await eventually(lambda: ear.heard == 2)


async def test_h24_notifying_an_absent_server_harms_nobody(clone: PostgresSettings) -> None:
    """What is asked for meanwhile is dropped: who listens looks again when the server is back."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        away = replace(clone, port=unused.getsockname()[1])
        wakeups, ear = Wakeups(away, CHANNEL), Ear(away)
        async with running(wakeups, ear.listener):
            wakeups.notify()
            await eventually(lambda: not wakeups._wanted.is_set())

    assert ear.heard == 0


async def test_notifying_goes_on_after_its_connection_was_cut(
    clone: PostgresSettings, owner: PostgresDatabase
) -> None:
    wakeups, ear = Wakeups(replace(clone, application_name="mouth"), CHANNEL), Ear(clone)
    mouth = "SELECT pid FROM pg_stat_activity WHERE application_name = 'mouth'"
    async with running(wakeups, ear.listener):
        await eventually(lambda: ear.heard == 1)  # it listens: an earlier word would be lost
        wakeups.notify()
        await eventually(lambda: ear.heard == 2)
        [row] = await owner.fetch(mouth)
        await owner.execute("SELECT pg_terminate_backend($1, 5000)", row["pid"])

        def woken_again() -> bool:
            wakeups.notify()
            return ear.heard > 2

        await eventually(woken_again)


async def test_ending_leaves_no_connection(
    clone: PostgresSettings, owner: PostgresDatabase
) -> None:
    ear = Ear(clone)
    async with running(ear.listener):
        await eventually(lambda: ear.heard == 1)

    async def is_gone() -> bool:
        return not await owner.fetch(LISTENERS)

    await eventually(is_gone)
