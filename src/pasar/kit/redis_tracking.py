"""
What others write to Redis, told by Redis: `CLIENT TRACKING ON BCAST` of RESP3.

The messages come in between the replies of the one connection (`redis_connection.py`), in the
server's order. What is done about them is the listener's affair.
"""

from collections.abc import Callable
from typing import Final, Protocol, cast

Changed = Callable[[str | None], None]
"""Told which key, without its prefix, was written or has expired; None: any may have been."""

_INVALIDATE: Final = b"invalidate"


class Watching(Protocol):
    @property
    def live(self) -> bool:
        """Whether each write is told. Before that, and from a loss on, nothing is known."""
        ...


class Tracking:
    """
    Listeners by prefix; none may be the beginning of another. Set up before the first command.

    When the connection is lost every listener is told None, and again nothing until `live`.
    """

    def __init__(self) -> None:
        self.live = False
        self._listeners: dict[str, Changed] = {}

    def watch(self, prefix: str, changed: Changed) -> None:
        self._listeners[prefix] = changed

    def command(self) -> tuple[str, ...]:
        """Return what asks the server to tell; empty if nobody listens."""
        if not self._listeners:
            return ()
        prefixes = (word for prefix in self._listeners for word in ("PREFIX", prefix))
        return ("CLIENT", "TRACKING", "ON", "BCAST", *prefixes)

    def lost(self) -> None:
        self.live = False
        self._tell_all()

    def told(self, push: list[object]) -> None:
        """Take a message of the server; those of other kinds are nobody's."""
        if push[0] != _INVALIDATE:
            return
        keys = cast("list[bytes] | None", push[1])
        if keys is None:  # FLUSHALL
            self._tell_all()
            return
        for key in keys:
            self._tell(key.decode(errors="replace"))

    def _tell(self, key: str) -> None:
        for prefix, changed in self._listeners.items():
            if key.startswith(prefix):
                changed(key.removeprefix(prefix))

    def _tell_all(self) -> None:
        for changed in self._listeners.values():
            changed(None)
