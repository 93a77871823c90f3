"""
The background process: the outbox relay and the consumer of payment results, start and stop.

Which parts there are, and how they are made, is `main.py`'s affair.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from pasar.contracts.events import PAYMENT_FAILED, PAYMENT_SUCCESS, TOPICS
from pasar.kit import log
from pasar.kit.broker.port import Broker, Handler
from pasar.kit.outbox import Relay

_log: Final = log.get("worker")


async def run(
    *,
    broker: Broker,
    relay: Relay,
    listen: Callable[[], Awaitable[None]],
    results: Handler,
    concurrency: int,
    grace_s: float,
    stop: asyncio.Event,
    closers: Sequence[Callable[[], Awaitable[None]]],
) -> None:
    """
    Work until `stop` is set; then consumers first, the relay after its batch, connections last.

    A part that ends by itself is a fault of ours: it ends the process, which is then restarted.
    """
    await broker.declare(TOPICS)
    subscriptions = [
        await broker.subscribe(topic, channel, results, concurrency=concurrency)
        for topic in (PAYMENT_SUCCESS, PAYMENT_FAILED)
        for channel in TOPICS[topic]
    ]
    _log.info("worker started")
    loops = [asyncio.ensure_future(loop) for loop in (relay.run(), listen())]
    stopping = asyncio.ensure_future(stop.wait())
    ended, _ = await asyncio.wait((*loops, stopping), return_when=asyncio.FIRST_COMPLETED)
    await asyncio.gather(*(subscription.stop(grace_s) for subscription in subscriptions))
    await relay.stop()
    for task in (*loops, stopping):
        task.cancel()
    for close in closers:
        await close()
    for task in ended:
        task.result()
