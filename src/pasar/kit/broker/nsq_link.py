"""A connection to one nsqd that is dialled anew for ever, until retired."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from pasar.kit import log
from pasar.kit.broker.delivery import Counters
from pasar.kit.broker.nsq_connection import NsqConnection
from pasar.kit.broker.nsq_settings import NsqSettings

_log: Final = log.get("nsq")
_DIAL_EVERY_S: Final = 0.1  # at most ten dials a second, however many publishers ask


class NsqLink:
    def __init__(
        self,
        name: str,
        dial: Callable[[], Awaitable[NsqConnection]],
        settings: NsqSettings,
        counters: Counters,
        changed: Callable[[], None],
    ) -> None:
        """Dial from now on; call `changed` after each connect and each loss."""
        self._connection: NsqConnection | None = None
        self._name = name
        self._dial = dial
        self._settings = settings
        self._counters = counters
        self._changed = changed
        self._dialling = asyncio.Lock()
        self._loop = asyncio.get_running_loop()
        self._not_before = 0.0
        self._keeper = asyncio.create_task(self._keep())

    @property
    def alive(self) -> NsqConnection | None:
        """The connection, while it is open."""
        return self._connection if self._connection and self._connection.is_open else None

    async def connected(self) -> NsqConnection:
        """Return the open connection, dialling once if there is none. Raises OSError."""
        async with self._dialling:
            if self._keeper.done():
                raise ConnectionError("closed by us")
            if alive := self.alive:
                return alive
            if self._loop.time() < self._not_before:
                raise ConnectionError("not connected, dialled a moment ago")
            try:
                self._connection = await self._dial()
            finally:
                self._not_before = self._loop.time() + _DIAL_EVERY_S
        self._changed()
        return self._connection

    async def retire(self) -> None:
        """Dial no more; an open connection stays."""
        self._keeper.cancel()
        await asyncio.wait([self._keeper])

    async def close(self) -> None:
        await self.retire()
        async with self._dialling:  # a publish may be dialling
            if self._connection is not None:
                await self._connection.close()

    async def _keep(self) -> None:
        failures = 0
        while True:
            try:
                connection = await self.connected()
            except OSError as error:
                failures += 1
                if failures == 1:
                    _log.warning("nsqd away", nsqd=self._name, reason=str(error))
            else:
                connected_at = self._loop.time()
                await connection.wait_lost()
                lived_s = self._loop.time() - connected_at
                failures = 1 if lived_s > self._settings.heartbeat_s else failures + 1
                self._counters.reconnects += 1
                _log.warning("nsqd lost", nsqd=self._name, reason=connection.reason)
                self._changed()
            await asyncio.sleep(self._settings.reconnect.delay_s(failures))
