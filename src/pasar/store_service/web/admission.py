"""
How many requests may run at once: a burst fills the house, a crowd that stays does not.

Requests that wait make every other one slower, and all of them late. So the process asks itself
from time to time what a request asks, and how long that takes is how long requests wait here: for
the loop, and for a database connection. Work that waits elsewhere (a slow client, a password's
turn) does not count as a crowd.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from pasar.kit import log
from pasar.kit.clock import Clock
from pasar.kit.errors import Unavailable

PER_CONNECTION: Final = 4
"""So many are never refused for each connection to the database: no crowd leaves it idle."""

LATE_S: Final = 0.04
"""A question longer under way than this waited: it takes 1 ms, on a busy machine some ten."""

BURST_S: Final = 1.0
"""How long all questions must be late at first: two hundred buyers at once are in by then (H01)."""

PULSE_S: Final = 0.25
GROWTH: Final = 8
"""An eighth more places at each prompt answer: from 30 back to 512 in 6 s, or to the next crowd."""

_log: Final = log.get("admission")


class Admission:
    """
    The places of one process: `most` of them, until it was late for `BURST_S`.

    Never fewer than keep its `connections` to the database at work. From then on, until all are
    back, each late answer halves what is taken and each prompt one adds some: as many stay as are
    served within `LATE_S` or so, however fast machine and database are.
    """

    def __init__(self, clock: Clock, *, most: int, connections: int) -> None:
        self._clock = clock
        self._most = self._places = most
        self._fewest = min(PER_CONNECTION * connections, most)
        self._taken = 0
        self._prompt_at = clock.monotonic()

    def enter(self) -> None:
        """Take a place, to be left again. Raises Unavailable when there is none."""
        if self._taken >= self._places:
            raise Unavailable
        self._taken += 1

    def leave(self) -> None:
        self._taken -= 1

    async def watch(self, ask: Callable[[], Awaitable[None]]) -> None:
        """Look for ever, with a question that waits for what requests wait for."""
        while True:
            await self.look(ask)
            await asyncio.sleep(PULSE_S)

    async def look(self, ask: Callable[[], Awaitable[None]]) -> None:
        """Ask once, and have as many places as the time it took allows."""
        began = self._clock.monotonic()
        with suppress(Unavailable):  # refused at once is no queue; after a wait it was late
            await ask()
        now = self._clock.monotonic()
        if now - began < LATE_S:
            self._prompt_at = now
            self._places = min(self._places + self._places // GROWTH + 1, self._most)
        elif self._places < self._most or now - self._prompt_at >= BURST_S:
            self._shrink(now - began)

    def _shrink(self, waited_s: float) -> None:
        if self._places == self._most:
            _log.warning("overloaded", waited_s=round(waited_s, 2))
        self._places = max(self._fewest, min(self._places, self._taken) // 2)
