"""
The broker port over any adapter.

An `Adapter` is what a technology must provide; `AdaptedBroker` adds what is the same for all of
them: limits, counting, and the delivery policy around each handler.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from pasar.kit.broker.delivery import Counters, Policy, Workers
from pasar.kit.broker.limits import check_bodies, check_name
from pasar.kit.broker.port import (
    Broker,
    DeadLetters,
    Depth,
    Handler,
    PublishFailed,
    PublishUnknown,
    Subscription,
    Topics,
)


class Source(Protocol):
    """The stream of deliveries into one subscription's workers."""

    async def halt(self) -> None:
        """Bring no further delivery; those brought can still be settled. May be called again."""
        ...

    async def close(self) -> None:
        """End its connections and tasks, after `halt`."""
        ...


class Adapter(Protocol):
    """The port's semantics where they touch the technology; names and bodies are checked."""

    counters: Counters

    async def declare(self, topics: Topics) -> None:
        """Do it now if connected, else and again at each connect."""
        ...

    async def publish(self, topic: str, bodies: Sequence[bytes]) -> None:
        """Return once the broker has all of them. Raises PublishFailed, PublishUnknown."""
        ...

    def consume(self, topic: str, channel: str, workers: Workers) -> Source:
        """Begin to feed the workers, no more at once than they have hands, and return at once."""
        ...

    async def depth(self, topic: str, channel: str) -> Depth:
        """Count what waits. Raises ConnectionError when the broker cannot be asked."""
        ...

    async def close(self) -> None:
        """End every connection and task; sources are closed before."""
        ...


class AdaptedSubscription:
    def __init__(self, source: Source, workers: Workers) -> None:
        self._source = source
        self._workers = workers

    async def pause(self) -> None:
        self._workers.refuse()
        await self._source.halt()

    async def stop(self, grace_s: float) -> None:
        await self.pause()
        await self._workers.drain(grace_s)
        await self._source.close()


class AdaptedBroker:
    def __init__(self, adapter: Adapter, dead_letters: DeadLetters, policy: Policy) -> None:
        self.counters = adapter.counters
        self._adapter = adapter
        self._dead_letters = dead_letters
        self._policy = policy
        self._subscriptions: list[AdaptedSubscription] = []

    async def declare(self, topics: Topics) -> None:
        for topic, channels in topics.items():
            for name in (topic, *channels):
                check_name(name)
        await self._adapter.declare(topics)

    async def publish(self, topic: str, body: bytes) -> None:
        await self.publish_many(topic, (body,))

    async def publish_many(self, topic: str, bodies: Sequence[bytes]) -> None:
        check_name(topic)
        check_bodies(bodies)
        try:
            await self._adapter.publish(topic, bodies)
        except PublishFailed:
            self.counters.publish_failed += len(bodies)
            raise
        except PublishUnknown:
            self.counters.publish_unknown += len(bodies)
            raise
        self.counters.published += len(bodies)

    async def subscribe(
        self, topic: str, channel: str, handler: Handler, *, concurrency: int
    ) -> Subscription:
        check_name(topic)
        check_name(channel)
        workers = Workers(handler, concurrency, self._policy, self._dead_letters, self.counters)
        subscription = AdaptedSubscription(self._adapter.consume(topic, channel, workers), workers)
        self._subscriptions.append(subscription)
        return subscription

    async def depth(self, topic: str, channel: str) -> Depth:
        check_name(topic)
        check_name(channel)
        return await self._adapter.depth(topic, channel)

    async def close(self) -> None:
        await asyncio.gather(*[each.stop(grace_s=0.0) for each in self._subscriptions])
        await self._adapter.close()


_: type[Broker] = AdaptedBroker
