"""
Takes new connections from a socket that several processes listen on, a few at a time.

Left to the event loop, the process that wakes first takes all that wait: of 32 that came together
one of two processes had 25 to 32, and the other its core for nothing (ADR 32).
"""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from pasar.kit import log

FEW: Final = 2
"""Connections a process takes at first; as many as that are a crowd, and others get their turn."""

MANY: Final = 32
"""A crowd that lasts is taken in twice as many each time, up to these: 32,000 a second."""

PAUSE_S: Final = 0.001  # the resolution of uvloop's timers

OUT_OF_FILES_PAUSE_S: Final = 1.0  # as asyncio waits: connections stay in the socket's queue

_log: Final = log.get("http")


class Doorkeeper:
    """
    Lets connections in between `open` and `close`, which is the listener's end in this process.

    A process that hangs or is busy takes none: what waits is for the others.
    """

    def __init__(
        self,
        listener: socket.socket,
        new_protocol: Callable[[], asyncio.Protocol],
        pause_s: float = PAUSE_S,
    ) -> None:
        listener.settimeout(0)
        self._listener = listener
        self._new_protocol = new_protocol
        self._pause_s = pause_s
        self._loop = asyncio.get_running_loop()
        self._beginning: set[asyncio.Task[None]] = set()
        self._pause: asyncio.TimerHandle | None = None
        self._few = FEW

    def open(self) -> None:
        self._loop.add_reader(self._listener, self._let_in)

    async def close(self) -> None:
        """Take no more, and return when those taken have begun; other processes go on."""
        if self._pause:
            self._pause.cancel()
        self._loop.remove_reader(self._listener)
        self._listener.close()
        await asyncio.gather(*self._beginning)

    def _let_in(self) -> None:
        for _ in range(self._few):
            try:
                connection, _peer = self._listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                self._few = max(FEW, self._few // 2)
                return
            except OSError:
                _log.exception("no connection could be taken")
                self._rest(OUT_OF_FILES_PAUSE_S)
                return
            beginning = self._loop.create_task(self._begin(connection))
            self._beginning.add(beginning)
            beginning.add_done_callback(self._beginning.discard)
        self._few = min(2 * self._few, MANY)
        self._rest(self._pause_s)

    def _rest(self, pause_s: float) -> None:
        self._loop.remove_reader(self._listener)
        self._pause = self._loop.call_later(pause_s, self.open)

    async def _begin(self, connection: socket.socket) -> None:
        with suppress(OSError, RuntimeError):  # it has ended in its first moments
            await self._loop.connect_accepted_socket(self._new_protocol, connection)
