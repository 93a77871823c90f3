"""
Wake-ups between processes by NOTIFY and LISTEN: quick, and allowed to get lost.

Whoever waits for one looks by itself from time to time too. Never inside a business transaction:
there NOTIFY makes all commits of the database queue behind one lock.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from pasar.kit import log
from pasar.kit.backoff import Backoff
from pasar.kit.postgres import PostgresSettings, connect
from pasar.kit.postgres_tx import DRIVER_FAULTS

if TYPE_CHECKING:  # generic in the type stubs only
    from pasar.kit.postgres import Connection

NOTIFY: Final = "SELECT pg_notify($1, '')"

_AT_MOST_EVERY_S: Final = 0.01
_RECONNECT: Final = Backoff(first_s=0.1, cap_s=5.0)
# A silent link may be dead without a word from the network; asking finds out.
_ASK_EVERY_S: Final = 5.0

_log: Final = log.get("wakeups")


class Wakeups:
    """
    Tells listeners of one channel, in all processes on the database, that there is work.

    `notify` is called after the commit that made the work. At most one NOTIFY leaves per 10 ms, on
    a connection of its own that waits for no disk.
    """

    def __init__(self, settings: PostgresSettings, channel: str) -> None:
        self._settings = settings
        self._channel = channel
        self._wanted = asyncio.Event()

    def notify(self) -> None:
        """Ask for a wake-up and return at once; costs nothing while one is on its way."""
        self._wanted.set()

    async def run(self) -> None:
        """Send what is asked for, until cancelled; what is asked while away is dropped."""
        while True:
            await self._wanted.wait()
            with suppress(*DRIVER_FAULTS):
                await self._send()
            self._wanted.clear()
            await asyncio.sleep(_RECONNECT.delay_s(1))

    async def _send(self) -> None:
        connection = await connect(self._settings)
        try:
            await connection.execute("SET synchronous_commit = off")
            while True:
                await self._wanted.wait()
                self._wanted.clear()
                await connection.execute(NOTIFY, self._channel)
                await asyncio.sleep(_AT_MOST_EVERY_S)
        finally:
            connection.terminate()


class Listener:
    """
    Calls back at each wake-up of one channel, and at each new connection, as some may be missed.

    While the database is away it dials for ever: after 100 ms, doubling to 5 s.
    """

    def __init__(
        self, settings: PostgresSettings, channel: str, callback: Callable[[], None]
    ) -> None:
        self._settings = settings
        self._channel = channel
        self._callback = callback

    async def run(self) -> None:
        """Listen until cancelled."""
        failures = 0
        while True:
            try:
                connection = await connect(self._settings)
            except DRIVER_FAULTS as fault:
                failures += 1
                _log.warning("cannot listen", reason=type(fault).__name__, failures=failures)
            else:
                failures = 0
                with suppress(*DRIVER_FAULTS):
                    await self._listen(connection)
            await asyncio.sleep(_RECONNECT.delay_s(failures))

    def _heard(self, *_connection_pid_channel_payload: object) -> None:
        self._callback()

    async def _listen(self, connection: "Connection") -> None:
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        try:
            await connection.add_listener(self._channel, self._heard)
            self._callback()
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_ASK_EVERY_S):
                        await lost.wait()
                await connection.execute("SELECT 1")
        finally:
            connection.terminate()
