"""
How connections come in where several processes share one listening socket: a few at a time.

uvloop takes all that wait at once: of 32 that came together, one of two processes got 25 to 32 and
the other idled; with a short pause after every few it got 12 to 20 (busy machine, five runs).
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Final

from pasar.kit import log

AT_ONCE: Final = 4
PAUSE_S: Final = 0.001
"""Long enough for another process to wake; four per millisecond are more than one can serve."""

REFUSED_PAUSE_S: Final = 0.1
"""After a refusal by the system, such as too many open files."""

_log: Final = log.get("http")


class Door:
    """Open from its making on, within a running loop; the listener stays its maker's to close."""

    def __init__(
        self, listener: socket.socket, connection: Callable[[], asyncio.Protocol], *, backlog: int
    ) -> None:
        self._listener = listener
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._let_in = 0
        self._pause: asyncio.TimerHandle | None = None
        self._coming = set[asyncio.Task[None]]()
        listener.settimeout(0)
        listener.listen(backlog)
        self._open()

    async def close(self) -> None:
        """Take nobody any more; return when all who were taken have their protocol."""
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._listener)
        if self._coming:
            await asyncio.wait(self._coming)

    def _open(self) -> None:
        self._loop.add_reader(self._listener, self._take)

    def _rest(self, seconds: float) -> None:
        self._loop.remove_reader(self._listener)
        self._pause = self._loop.call_later(seconds, self._open)

    async def _welcome(self, client: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._connection, client)
        except OSError as fault:  # the client has left already
            _log.info("client lost at the door", reason=repr(fault))
            client.close()

    def _take(self) -> None:
        try:
            client, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return  # another process was quicker, or the client has left
        except OSError:
            self._rest(REFUSED_PAUSE_S)
            return
        coming = self._loop.create_task(self._welcome(client))
        self._coming.add(coming)
        coming.add_done_callback(self._coming.discard)
        self._let_in += 1
        if self._let_in % AT_ONCE == 0:
            self._rest(PAUSE_S)
