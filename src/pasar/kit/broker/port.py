"""
The broker as the services see it: at least once, unordered, may duplicate, may delay.

It is the intersection of NSQ and Redis Streams; nothing that one of them alone can do leaks
through. Limits for every adapter: topic and channel names 1–64 of letters, digits, `.` `_` `-`;
a body 1 byte to 1 MiB; a batch at most 1,000 bodies and 5 MiB; a requeue delay 0 to 3600 s.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

MAX_DELAY_S: Final = 3600  # nsqd's --max-req-timeout

Topics = Mapping[str, Sequence[str]]
"""Topic → its channels."""


class PublishFailed(Exception):
    """Certainly not taken by the broker."""


class PublishUnknown(Exception):
    """Perhaps taken: send it again, with the same `message_id` in the body."""


class Reject(Exception):
    """Raised by a handler: this message is refused for good and goes to the dead letters now."""


class Retry(Exception):
    """
    Raised by a handler: deliver again, at the earliest after `delay_s`; never a dead letter.

    Raises ValueError when the delay is not 0 to 3600 s.
    """

    def __init__(self, delay_s: float, reason: str = "") -> None:
        if not 0 <= delay_s <= MAX_DELAY_S:
            raise ValueError(f"a delay is 0 to {MAX_DELAY_S} s, not {delay_s}")
        super().__init__(reason)
        self.delay_s = delay_s


@dataclass(frozen=True, slots=True)
class Message:
    """
    One delivery of a message.

    `id` is the broker's and stays the same over redeliveries; `attempts` is 1 at the first delivery
    and grows by 1 with each requeue or time-out.
    """

    id: str
    topic: str
    body: bytes
    attempts: int
    published_at: datetime


@dataclass(frozen=True, slots=True)
class Depth:
    """How many messages of a channel are where; `waiting` = in the topic, before any channel."""

    ready: int
    in_flight: int
    deferred: int
    waiting: int


Handler = Callable[[Message], Awaitable[None]]
"""
Returning acknowledges. Reject → dead letter; Retry, kit.errors.Unavailable → requeued, never dead;
any other exception → requeued with growing delay, dead letter at the fifth attempt.
"""


class DeadLetters(Protocol):
    async def record(self, topic: str, body: bytes, error: str, attempts: int) -> None:
        """Store a message nobody could handle, durably, before it is acknowledged."""
        ...


class Subscription(Protocol):
    async def pause(self) -> None:
        """Take no further message; handlers that run go on."""
        ...

    async def stop(self, grace_s: float) -> None:
        """
        Stop consuming, without loss.

        What was received but not started goes back at once; running handlers get `grace_s`
        seconds, then they are cancelled and their messages requeued.
        """
        ...


class Broker(Protocol):
    async def declare(self, topics: Topics) -> None:
        """Create topics and channels; idempotent, repeated by the adapter at each reconnect."""
        ...

    async def publish(self, topic: str, body: bytes) -> None:
        """Return once the broker has it. Raises PublishFailed, PublishUnknown, ValueError."""
        ...

    async def publish_many(self, topic: str, bodies: Sequence[bytes]) -> None:
        """Publish all or nothing, in one exchange. Raises as `publish` does."""
        ...

    async def subscribe(
        self, topic: str, channel: str, handler: Handler, *, concurrency: int
    ) -> Subscription:
        """
        Feed the handler, at most `concurrency` at once, until the subscription is stopped.

        Each channel gets every message; subscribers of one channel compete. Returns also while the
        broker is away: it is dialled for ever, with back-off.
        """
        ...

    async def depth(self, topic: str, channel: str) -> Depth:
        """Count what waits. Raises ConnectionError when the broker cannot be asked."""
        ...

    async def close(self) -> None:
        """Stop all subscriptions without grace and end every connection and task."""
        ...
