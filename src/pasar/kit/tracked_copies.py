"""
Values that this process has read lately, kept only while Redis would tell of their change.

Whoever uses it passes on what is told (`redis_tracking.py`) and drops what it changes itself.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection, Generator, Hashable
from contextlib import contextmanager
from typing import Generic, TypeVar

from pasar.kit.clock import Clock
from pasar.kit.redis_tracking import Watching

KeyT = TypeVar("KeyT", bound=Hashable)
ValueT = TypeVar("ValueT")


class TrackedCopies(Generic[KeyT, ValueT]):
    """
    At most `most` values, the least recently used forgotten first, each for at most `ttl_s`.

    The time is for a change that nobody could tell of: its writer was cut off from Redis.
    """

    def __init__(self, watching: Watching, clock: Clock, *, most: int, ttl_s: float) -> None:
        self._watching = watching
        self._clock = clock
        self._most = most
        self._ttl_s = ttl_s
        self._copies: OrderedDict[KeyT, tuple[ValueT, float]] = OrderedDict()
        self._readings: dict[KeyT, object] = {}

    def get(self, key: KeyT) -> ValueT | None:
        copy = self._copies.get(key)
        if copy is None:
            return None
        value, until = copy
        if until <= self._clock.monotonic():
            del self._copies[key]
            return None
        self._copies.move_to_end(key)
        return value

    @contextmanager
    def reading(self, keys: Collection[KeyT]) -> Generator[Callable[[KeyT, ValueT], None]]:
        """
        Yield what keeps a value read within the block, unless its key was dropped meanwhile.

        >>> def read_toy(copies: "TrackedCopies[int, str]") -> None:
        ...     with copies.reading([7]) as keep:
        ...         keep(7, "bear")
        """
        reading = object()
        if self._watching.live:
            self._readings.update(dict.fromkeys(keys, reading))

        def keep(key: KeyT, value: ValueT) -> None:
            if self._readings.get(key) is reading:
                self._copies[key] = (value, self._clock.monotonic() + self._ttl_s)
                if len(self._copies) > self._most:
                    self._copies.popitem(last=False)

        try:
            yield keep
        finally:
            for key in keys:
                if self._readings.get(key) is reading:
                    del self._readings[key]

    def drop(self, key: KeyT) -> None:
        self._copies.pop(key, None)
        self._readings.pop(key, None)

    def clear(self) -> None:
        self._copies.clear()
        self._readings.clear()
