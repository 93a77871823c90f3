"""Time as a port, so that tests can hold it still."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """Return the wall clock as an aware UTC time: for tokens and logs, never for rows."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back: for deadlines and back-off."""
        ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


_: type[Clock] = SystemClock
