"""
A broker in memory, with the real delivery policy, for tests of services and of the policy itself.

Brokers that share `Queues` are like processes that share a server. `faults` makes publishes fail.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import uuid4

from pasar.kit.broker.adapter import AdaptedBroker, Adapter, Source
from pasar.kit.broker.delivery import Counters, Delivery, Policy, Workers
from pasar.kit.broker.port import (
    DeadLetters,
    Depth,
    Message,
    PublishFailed,
    PublishUnknown,
    Topics,
)


@dataclass(eq=False)
class Channel:
    msg_timeout_s: float
    ready: asyncio.Queue[Message] = field(default_factory=asyncio.Queue)
    in_flight: set["MemoryDelivery"] = field(default_factory=set)
    deferred: dict[str, asyncio.TimerHandle] = field(default_factory=dict)

    def put_back(self, message: Message, delay_s: float) -> None:
        again = replace(message, attempts=message.attempts + 1)
        if delay_s:
            loop = asyncio.get_running_loop()
            self.deferred[message.id] = loop.call_later(delay_s, self._due, again)
        else:
            self.ready.put_nowait(again)

    def _due(self, message: Message) -> None:
        del self.deferred[message.id]
        self.ready.put_nowait(message)


class Queues:
    """What the server holds: each topic's channels, and what came before any channel."""

    def __init__(self, msg_timeout_s: float = 10.0) -> None:
        self.topics: defaultdict[str, dict[str, Channel]] = defaultdict(dict)
        self.backlog: defaultdict[str, list[Message]] = defaultdict(list)
        self._msg_timeout_s = msg_timeout_s

    def channel(self, topic: str, name: str) -> Channel:
        channels = self.topics[topic]
        if name not in channels:
            channels[name] = Channel(self._msg_timeout_s)
            for message in self.backlog.pop(topic, []):
                channels[name].ready.put_nowait(message)
        return channels[name]

    def put(self, topic: str, body: bytes) -> None:
        message = Message(uuid4().hex, topic, body, attempts=1, published_at=datetime.now(UTC))
        if not self.topics[topic]:
            self.backlog[topic].append(message)
        for channel in self.topics[topic].values():
            channel.ready.put_nowait(message)


class MemoryDelivery:
    def __init__(self, message: Message, channel: Channel) -> None:
        self.message = message
        self._channel = channel
        channel.in_flight.add(self)
        self._timer = self._start_timer()

    async def ack(self) -> bool:
        return self._end()

    async def requeue(self, delay_s: float) -> bool:
        if ended := self._end():
            self._channel.put_back(self.message, delay_s)
        return ended

    async def touch(self) -> bool:
        if self not in self._channel.in_flight:
            return False
        self._timer.cancel()
        self._timer = self._start_timer()
        return True

    def _start_timer(self) -> asyncio.TimerHandle:
        loop = asyncio.get_running_loop()
        return loop.call_later(self._channel.msg_timeout_s, self._time_out)

    def _time_out(self) -> None:
        if self._end():
            self._channel.put_back(self.message, 0.0)

    def _end(self) -> bool:
        self._timer.cancel()
        was_open = self in self._channel.in_flight
        self._channel.in_flight.discard(self)
        return was_open


class MemorySource:
    def __init__(self, channel: Channel, workers: Workers) -> None:
        self._channel = channel
        self._workers = workers
        self._feeder = asyncio.create_task(self._feed())

    async def halt(self) -> None:
        self._feeder.cancel()
        await asyncio.wait([self._feeder])

    async def close(self) -> None:
        pass

    async def _feed(self) -> None:
        while True:
            await self._workers.vacancy()
            message = await self._channel.ready.get()
            self._workers.accept(MemoryDelivery(message, self._channel))


class MemoryAdapter:
    def __init__(self, queues: Queues) -> None:
        self.counters = Counters(connected=True)
        self.faults: deque[PublishFailed | PublishUnknown] = deque()
        self._queues = queues

    async def declare(self, topics: Topics) -> None:
        for topic, channels in topics.items():
            for channel in channels:
                self._queues.channel(topic, channel)

    async def publish(self, topic: str, bodies: Sequence[bytes]) -> None:
        fault = self.faults.popleft() if self.faults else None
        if not isinstance(fault, PublishFailed):
            for body in bodies:
                self._queues.put(topic, body)
        if fault is not None:
            raise fault

    def consume(self, topic: str, channel: str, workers: Workers) -> Source:
        return MemorySource(self._queues.channel(topic, channel), workers)

    async def depth(self, topic: str, channel: str) -> Depth:
        waiting = len(self._queues.backlog.get(topic, ()))
        found = self._queues.topics[topic].get(channel)
        if found is None:
            return Depth(ready=0, in_flight=0, deferred=0, waiting=waiting)
        return Depth(
            ready=found.ready.qsize(),
            in_flight=len(found.in_flight),
            deferred=len(found.deferred),
            waiting=waiting,
        )

    async def close(self) -> None:
        self.counters.connected = False


class MemoryDeadLetters:
    """Keeps what it is told; raises what `faults` holds instead, once each."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, bytes, str, int]] = []
        self.faults: deque[Exception] = deque()

    async def record(self, topic: str, body: bytes, error: str, attempts: int) -> None:
        if self.faults:
            raise self.faults.popleft()
        self.rows.append((topic, body, error, attempts))


class MemoryBroker(AdaptedBroker):
    """
    The broker of a service's test.

    The next publishes raise what `faults` holds; a PublishUnknown among them is taken all the same.
    """

    def __init__(
        self,
        dead_letters: DeadLetters | None = None,
        policy: Policy | None = None,
        queues: Queues | None = None,
    ) -> None:
        adapter = MemoryAdapter(queues or Queues())
        super().__init__(adapter, dead_letters or MemoryDeadLetters(), policy or Policy())
        self.faults = adapter.faults


_: tuple[type[Adapter], type[Source], type[Delivery], type[DeadLetters]] = (
    MemoryAdapter,
    MemorySource,
    MemoryDelivery,
    MemoryDeadLetters,
)
