"""
Circuit breaker: after several failures in a row the other side is left alone for a while.

It counts and remembers; the caller makes the call. Used before Redis and before gRPC.
"""

from typing import Final

from pasar.kit import log
from pasar.kit.clock import Clock
from pasar.kit.metrics import BREAKER_OPEN

_log: Final = log.get("breaker")


class Breaker:
    """
    Refuses calls for `open_s` seconds after `failures` failures in a row, then admits one probe.

    The probe needs no bookkeeping: admitting it sets the next one `open_s` later, so a probe
    that is cancelled and never reports costs that time and no more. Any success admits everybody
    again: an answer, however late, shows that the other side lives.

    >>> from pasar.kit.clock import SystemClock
    >>> breaker = Breaker("bank", failures=2, open_s=2.0, clock=SystemClock())
    >>> breaker.failed(ConnectionError("refused"))
    >>> breaker.admit()  # the next failure would open it
    True
    """

    def __init__(self, name: str, *, failures: int, open_s: float, clock: Clock) -> None:
        self._name = name
        self._limit = failures
        self._open_s = open_s
        self._clock = clock
        self._failures = 0
        self._probe_at = 0.0

    def admit(self) -> bool:
        """Return whether to make the call now; if so, report its end."""
        if self._failures < self._limit:
            return True
        now = self._clock.monotonic()
        if now < self._probe_at:
            return False
        self._probe_at = now + self._open_s
        return True

    def succeeded(self) -> None:
        if self._failures >= self._limit:
            _log.info("breaker closed", target=self._name)
            BREAKER_OPEN.labels(self._name).set(0)
        self._failures = 0

    def failed(self, fault: Exception) -> None:
        self._failures += 1
        if self._failures == self._limit:
            self._probe_at = self._clock.monotonic() + self._open_s
            BREAKER_OPEN.labels(self._name).set(1)
            _log.warning("breaker open", target=self._name, error=str(fault))
