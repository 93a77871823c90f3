"""
The life of one socket to Redis: all commands of one loop tick leave in one write.

RESP3; replies belong to commands by order alone, so a connection that loses its place is dropped.
Here are bytes and time limits. Dialling is in `redis_transport.py`, command names in `redis.py`.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, cast

import hiredis
from redis.exceptions import NoScriptError, ResponseError

from pasar.kit.errors import Unavailable
from pasar.kit.redis_tracking import Tracking

Encodable = str | int | float | bytes

# 5,000 requests a second leave 500 outstanding at the time limit; twenty times that is a flood.
MAX_OUTSTANDING: Final = 10_000
# When our own loop was late, the reply may lie unread in the socket: it is read first.
READ_FIRST_S: Final = 0.005
# A command nobody waits for leaves with the next one; this bounds its wait when none follows.
SEND_WITHIN_S: Final = 0.001


class RedisUnavailable(Unavailable):
    """Redis is away, silent past the time limit, or refuses (loading, full, read-only)."""


_REPLY_ERRORS: Final[dict[str, type[Exception]]] = {
    "NOSCRIPT": NoScriptError,
    "LOADING": RedisUnavailable,
    "OOM": RedisUnavailable,
    "READONLY": RedisUnavailable,
    "MASTERDOWN": RedisUnavailable,
    "BUSY": RedisUnavailable,
    "NOAUTH": RedisUnavailable,
}
_INCOMPLETE: Final = object()
_pack: Final = cast(
    "Callable[[tuple[Encodable, ...]], bytes]",
    hiredis.pack_command,  # pyright: ignore[reportUnknownMemberType]  its stub knows 1-tuples only
)


def _reply_error(message: str) -> Exception:
    return _REPLY_ERRORS.get(message.partition(" ")[0], ResponseError)(message)


class Connection(asyncio.Protocol):
    """
    What waits to be written, and who waits for which reply.

    Made inside a running loop, used once. A reply that misses `timeout_s` ends the connection and
    fails everybody who waits on it, since replies behind a missing one cannot be told apart.
    `tracking` is handed what the server tells unasked, and learns of the end.
    """

    def __init__(self, timeout_s: float, tracking: Tracking) -> None:
        self.round_trips = 0
        self.lost = False
        self.gone = asyncio.Event()
        self._timeout_s = timeout_s
        self._tracking = tracking
        self._loop = asyncio.get_running_loop()
        self._socket: asyncio.Transport | None = None
        self._reader = hiredis.Reader(replyError=_reply_error, notEnoughData=_INCOMPLETE)
        self._outgoing: list[bytes] = []
        self._flushing = False
        self._waiting: deque[tuple[asyncio.Future[object] | None, float]] = deque()
        self._watchdog: asyncio.TimerHandle | None = None
        self._overdue: tuple[asyncio.Future[object] | None, float] | None = None

    def submit(self, *args: Encodable) -> asyncio.Future[object]:
        """Write one command with this tick's others. Raises RedisUnavailable when lost or full."""
        if self.lost or len(self._waiting) >= MAX_OUTSTANDING:
            raise RedisUnavailable("redis: too many commands outstanding")
        future: asyncio.Future[object] = self._loop.create_future()
        self._put(_pack(args), future)
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)
        return future

    def send(self, *args: Encodable) -> None:
        """Write one command with the next ones, or drop it when lost or full; no reply is told."""
        if not self.lost and len(self._waiting) < MAX_OUTSTANDING:
            self._put(_pack(args), None)
            self._loop.call_later(SEND_WITHIN_S, self._flush)

    def lose(self, reason: str) -> None:
        """Give the connection up and fail everyone who waits."""
        self.lost = True
        self._tracking.lost()
        if self._watchdog is not None:
            self._watchdog.cancel()
        if self._socket is not None:
            self._socket.abort()
        for future, _ in self._waiting:
            if future is not None and not future.done():
                future.set_exception(RedisUnavailable(f"redis: {reason}"))
        self._waiting.clear()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._socket = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        try:
            while (reply := self._reader.gets()) is not _INCOMPLETE:
                if isinstance(reply, hiredis.PushNotification):
                    self._tracking.told(cast("list[object]", reply))
                else:
                    self._deliver(reply)
        except (hiredis.ProtocolError, IndexError) as fault:
            self.lose(f"reply out of place: {fault}")

    def connection_lost(self, exc: Exception | None) -> None:
        self.lose(f"connection closed: {exc or 'end of stream'}")
        self.gone.set()

    def _put(self, command: bytes, future: asyncio.Future[object] | None) -> None:
        self._outgoing.append(command)
        self._waiting.append((future, self._loop.time() + self._timeout_s))
        if self._watchdog is None:
            self._watchdog = self._loop.call_later(self._timeout_s, self._watch)

    def _flush(self) -> None:
        self._flushing = False
        if self._outgoing and self._socket is not None and not self.lost:
            self.round_trips += 1
            self._socket.write(b"".join(self._outgoing))
        self._outgoing.clear()

    def _deliver(self, reply: object) -> None:
        future, _ = self._waiting.popleft()
        if future is None or future.done():  # nobody waits any more; the reply is consumed
            return
        if isinstance(reply, Exception):
            future.set_exception(reply)
        else:
            future.set_result(reply)

    def _watch(self) -> None:
        """Watch the oldest command only: deadlines grow along the queue, one timer serves all."""
        self._watchdog = None
        if not self._waiting:
            return
        oldest = self._waiting[0]
        left_s = oldest[1] - self._loop.time()
        if left_s <= 0 and oldest is self._overdue:
            self.lose(f"no answer within {self._timeout_s:g} s")
            return
        if left_s <= 0:
            self._overdue, left_s = oldest, READ_FIRST_S
        self._watchdog = self._loop.call_later(left_s, self._watch)
