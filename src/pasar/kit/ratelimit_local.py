"""Sliding windows in this process alone: for when Redis is away, and for tests."""

from collections import OrderedDict, deque
from typing import Final

from pasar.kit.clock import Clock
from pasar.kit.ratelimit import WINDOW_US, Limiter, Verdict

MAX_LOCAL_BUCKETS: Final = 10_000
"""About 10 MB at ten uses each; an address that is crowded out begins a new window."""


class LocalLimiter:
    """Forgets who was away longest when there are too many."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._windows: OrderedDict[str, deque[int]] = OrderedDict()

    async def admit(self, bucket: str, limit: int) -> Verdict:
        now = round(self._clock.monotonic() * 1_000_000)
        uses = self._window(bucket)
        while uses and uses[0] <= now - WINDOW_US:
            uses.popleft()
        allowed = len(uses) < limit
        if allowed:
            uses.append(now)
        wait_us = uses[max(0, len(uses) - limit)] + WINDOW_US - now
        now_us = round(self._clock.now().timestamp() * 1_000_000)
        return Verdict.of(
            allowed=allowed, limit=limit, taken=len(uses), now_us=now_us, wait_us=wait_us
        )

    def _window(self, bucket: str) -> deque[int]:
        uses = self._windows.setdefault(bucket, deque())
        self._windows.move_to_end(bucket)
        if len(self._windows) > MAX_LOCAL_BUCKETS:
            self._windows.popitem(last=False)
        return uses


_: type[Limiter] = LocalLimiter
