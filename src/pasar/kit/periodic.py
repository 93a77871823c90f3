"""
Work that comes round: one loop for all of it, so that a failure is always logged and tried again.

A job's tick bears the failpoint `<name>.tick`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Final

from pasar.kit import failpoints, log
from pasar.kit.clock import Clock
from pasar.kit.errors import Unavailable
from pasar.kit.waiting import happens

_log: Final = log.get("periodic")


@dataclass(frozen=True, slots=True)
class Job:
    """`work` is done again and again; `pause_s` says before each time how long to wait."""

    name: str
    pause_s: Callable[[], float]
    work: Callable[[], Awaitable[object]]

    async def run(self, stop: asyncio.Event) -> None:
        """Return when `stop` is set and the tick in hand has ended; cancelling ends that too."""
        while not await happens(stop, within_s=self.pause_s()):
            if await failpoints.reach(f"{self.name}.tick"):
                continue
            try:
                await self.work()
            except Unavailable as outage:
                _log.warning("postponed", job=self.name, reason=outage.message)
            except Exception:  # noqa: BLE001  ending would only stop the other jobs as well
                _log.exception("failed", job=self.name)


def every(interval_s: float) -> Callable[[], float]:
    """Return the pause of a job that runs at this interval, beginning at once."""
    pauses = iter((0.0,))
    return lambda: next(pauses, interval_s)


def daily(at: time, clock: Clock) -> Callable[[], float]:
    """Return the pause of a job that runs at a time of day, UTC, whenever it was started."""

    def until_then() -> float:
        now = clock.now()
        then = now.replace(hour=at.hour, minute=at.minute, second=at.second, microsecond=0)
        return ((then if then > now else then + timedelta(days=1)) - now).total_seconds()

    return until_then
