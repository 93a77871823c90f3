"""
What becomes of a delivery, the same for every broker.

Retry policy, dead letters, touching and counting live here, once; how a message is acknowledged or
requeued is the adapter's affair (`Delivery`). Nothing here knows what a message means.
"""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Final, Protocol

from pasar.kit import log
from pasar.kit.backoff import Backoff
from pasar.kit.broker.port import DeadLetters, Handler, Message, Reject, Retry
from pasar.kit.deadlines import Deadlines
from pasar.kit.errors import Unavailable

_log: Final = log.get("broker")


class Delivery(Protocol):
    """
    One delivery, as an adapter hands it over.

    `ack` and `requeue` end it, `touch` restarts its time-out. All three return False, and never
    raise, when the delivery is stale: timed out, ended, or its connection lost. The broker then
    delivers the message again by itself.
    """

    @property
    def message(self) -> Message: ...

    async def ack(self) -> bool:
        """End it: handled."""
        ...

    async def requeue(self, delay_s: float) -> bool:
        """End it: to be delivered again, at the earliest after the delay."""
        ...

    async def touch(self) -> bool:
        """Ask for a whole time-out anew."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    max_attempts: int = 5  # the failure that is no one's outage is dead from here on
    requeue: Backoff = field(default_factory=lambda: Backoff(first_s=1.0, cap_s=60.0))
    handler_limit_s: float = 30.0  # the contract's request deadline
    touch_every_s: float = 5.0  # half of the message time-out of 10 s


@dataclass(slots=True)
class Counters:
    """Totals since the start, for metrics. `stale` are settlements that came too late."""

    published: int = 0
    publish_failed: int = 0
    publish_unknown: int = 0
    delivered: int = 0
    acknowledged: int = 0
    requeued: int = 0
    stale: int = 0
    dead: int = 0
    reconnects: int = 0
    connected: bool = False


class Workers:
    """Runs one subscription's handler, at most `concurrency` at once, and settles each delivery."""

    def __init__(
        self,
        handler: Handler,
        concurrency: int,
        policy: Policy,
        dead_letters: DeadLetters,
        counters: Counters,
    ) -> None:
        self.concurrency = concurrency
        self._handler = handler
        self._policy = policy
        self._deadlines = Deadlines(policy.handler_limit_s)
        self._dead_letters = dead_letters
        self._counters = counters
        self._waiting: deque[Delivery] = deque()
        self._running: dict[asyncio.Task[None], Delivery] = {}
        self._returning: set[asyncio.Task[None]] = set()
        self._refusing = False
        self._changed = asyncio.Event()
        self._toucher = asyncio.create_task(self._touch_running())

    async def vacancy(self) -> int:
        """Wait until a handler could start at once, or none ever will; return how many could."""
        while not self._refusing and self._free() <= 0:
            self._changed.clear()
            await self._changed.wait()
        return self._free()

    def accept(self, delivery: Delivery) -> None:
        """Run the handler now or, where a broker sent more than asked, as soon as one ends."""
        self._waiting.append(delivery)
        self._go_on()

    def refuse(self) -> None:
        """Start no further handler: what waits, and what still comes, goes back at once."""
        self._refusing = True
        self._changed.set()
        self._go_on()

    async def drain(self, grace_s: float) -> None:
        """Give running handlers `grace_s`, then cancel them and requeue their messages."""
        if self._running:
            await asyncio.wait(self._running, timeout=grace_s)
        if rest := dict(self._running):
            for task in rest:
                task.cancel()
            await asyncio.wait(rest)
        for task, delivery in rest.items():
            if task.cancelled():
                await self._requeue(delivery, 0.0)
        if self._returning:
            await asyncio.wait(self._returning)
        self._toucher.cancel()
        await asyncio.wait([self._toucher])

    def _free(self) -> int:
        return self.concurrency - len(self._running) - len(self._waiting)

    def _go_on(self) -> None:
        while self._waiting and self._refusing:
            task = asyncio.create_task(self._requeue(self._waiting.popleft(), 0.0))
            self._returning.add(task)
            task.add_done_callback(self._returning.discard)
        while self._waiting and len(self._running) < self.concurrency:
            delivery = self._waiting.popleft()
            task = asyncio.create_task(self._deliver(delivery))
            self._running[task] = delivery
            task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        self._changed.set()
        self._go_on()

    async def _deliver(self, delivery: Delivery) -> None:
        self._counters.delivered += 1
        delay_s = await self._handle(delivery.message)
        if delay_s is not None:
            await self._requeue(delivery, delay_s)
        elif await delivery.ack():
            self._counters.acknowledged += 1
        else:
            self._counters.stale += 1

    async def _requeue(self, delivery: Delivery, delay_s: float) -> None:
        if await delivery.requeue(delay_s):
            self._counters.requeued += 1
        else:
            self._counters.stale += 1

    async def _handle(self, message: Message) -> float | None:
        """Return None when the message is done with, else the delay of its next delivery."""
        try:
            with self._deadlines.budget():
                await self._handler(message)
        except Retry as again:
            return again.delay_s
        except Unavailable as outage:
            tries, reason = message.attempts, outage.message
            _log.warning("delivery postponed", topic=message.topic, attempts=tries, reason=reason)
            return self._policy.requeue.delay_s(tries)
        except Reject as refusal:
            return await self._bury(message, str(refusal))
        except Exception as error:  # noqa: BLE001  whatever it is, the message must go somewhere
            _log.exception("delivery failed", topic=message.topic, attempts=message.attempts)
            if message.attempts >= self._policy.max_attempts:
                return await self._bury(message, repr(error))
            return self._policy.requeue.delay_s(message.attempts)
        return None

    async def _bury(self, message: Message, error: str) -> float | None:
        """Record a dead letter before its acknowledgement; without a record it is not dead."""
        topic, attempts = message.topic, message.attempts
        try:
            async with asyncio.timeout(self._policy.handler_limit_s):
                await self._dead_letters.record(topic, message.body, error, attempts)
        except Exception:  # noqa: BLE001  likewise
            _log.exception("dead letter not recorded", topic=topic)
            return self._policy.requeue.delay_s(attempts)
        self._counters.dead += 1
        _log.error("dead letter", topic=topic, error=error, attempts=attempts)
        return None

    async def _touch_running(self) -> None:
        while True:
            await asyncio.sleep(self._policy.touch_every_s)
            await asyncio.gather(*[delivery.touch() for delivery in self._running.values()])
