"""A clock that stands still until a test moves it."""

from datetime import UTC, datetime, timedelta

from pasar.kit.clock import Clock


class HeldClock:
    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start = start
        self._passed_s = 0.0

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._passed_s)

    def monotonic(self) -> float:
        return self._passed_s

    def advance(self, seconds: float) -> None:
        self._passed_s += seconds


_: type[Clock] = HeldClock
