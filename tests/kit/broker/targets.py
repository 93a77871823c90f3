"""What the conformance suite runs against, and the small tools its tests share."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from pasar.kit.broker.adapter import AdaptedBroker
from pasar.kit.broker.delivery import Policy
from pasar.kit.broker.port import Depth, Handler, Message
from tests.fakes.broker import MemoryDeadLetters
from tests.waiting import eventually

CHANNEL = "work"
EMPTY = Depth(ready=0, in_flight=0, deferred=0, waiting=0)


@dataclass
class Target:
    """
    One kind of broker.

    `aged` yields topics with CHANNEL declared some seconds ago: nsqd notices delays and time-outs
    on a younger channel only when it is 5 s old, for which no test wants to wait.
    """

    make: Callable[[MemoryDeadLetters, Policy, float], AdaptedBroker]
    aged: Iterator[str]
    fresh: Iterator[str]
    dead_letters: MemoryDeadLetters = field(default_factory=MemoryDeadLetters)
    brokers: list[AdaptedBroker] = field(default_factory=list)

    def connect(
        self, policy: Policy | None = None, *, msg_timeout_s: float = 10.0
    ) -> AdaptedBroker:
        """Return one more client of the same server, closed when the test ends."""
        broker = self.make(self.dead_letters, policy or Policy(), msg_timeout_s)
        self.brokers.append(broker)
        return broker


@dataclass
class Recorder:
    """A handler that keeps what it got, then does as `then` says."""

    then: Handler | None = None
    messages: list[Message] = field(default_factory=list)

    async def __call__(self, message: Message) -> None:
        self.messages.append(message)
        if self.then is not None:
            await self.then(message)

    @property
    def bodies(self) -> list[bytes]:
        return [message.body for message in self.messages]

    async def got(self, count: int, *, within_s: float = 10.0) -> None:
        await eventually(lambda: len(self.messages) >= count, within_s=within_s)


@dataclass
class Gate:
    """A handler that waits until the test lets it go; counts who is inside."""

    inside: int = 0
    most: int = 0
    started: int = 0
    finished: int = 0
    open: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, _: Message) -> None:
        self.started += 1
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            await self.open.wait()
            self.finished += 1
        finally:
            self.inside -= 1


async def eventually_depth(broker: AdaptedBroker, topic: str, wanted: Depth) -> None:
    async def depth() -> Depth:
        return await broker.depth(topic, CHANNEL)

    await _becomes(depth, wanted)


async def _becomes(ask: Callable[[], Awaitable[Depth]], wanted: Depth) -> None:
    seen = await ask()
    try:
        async with asyncio.timeout(10):
            while seen != wanted:
                await asyncio.sleep(0.01)
                seen = await ask()
    except TimeoutError:
        assert wanted == seen
