"""
The background process: outbox relay, consumer of payment results, periodic jobs; start and stop.

Which parts there are, and how they are made, is the affair of `background.py`.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Final

from pasar.contracts.events import PAYMENT_FAILED, PAYMENT_SUCCESS, TOPICS
from pasar.kit import log
from pasar.kit.broker.port import Broker, Handler
from pasar.kit.outbox import Relay
from pasar.kit.periodic import Job

_log: Final = log.get("worker")


async def run(
    *,
    broker: Broker,
    relay: Relay,
    endless: Sequence[Callable[[], Coroutine[object, object, None]]],
    results: Handler,
    jobs: Sequence[Job],
    concurrency: int,
    grace_s: float,
    stop: asyncio.Event,
) -> None:
    """
    Work until `stop` is set; then finish consumers and jobs within `grace_s`, the relay last.

    What is `endless` runs beside them and is cancelled. Broker and database may be away. A part
    that fails for good ends all of them, and the process, which is then started again.
    """
    await broker.declare(TOPICS)
    async with asyncio.TaskGroup() as background:
        background.create_task(relay.run())
        cancelled = [background.create_task(part()) for part in endless]
        periodic = [background.create_task(job.run(stop), name=job.name) for job in jobs]
        subscriptions = [
            await broker.subscribe(topic, channel, results, concurrency=concurrency)
            for topic in (PAYMENT_SUCCESS, PAYMENT_FAILED)
            for channel in TOPICS[topic]
        ]
        _log.info("worker started")
        await stop.wait()
        _log.info("worker stopping", grace_s=grace_s)
        await asyncio.gather(
            *(subscription.stop(grace_s) for subscription in subscriptions),
            *(_end(job, grace_s) for job in periodic),
        )
        await relay.stop()
        for part in cancelled:
            part.cancel()


async def _end(job: "asyncio.Task[None]", grace_s: float) -> None:
    await asyncio.wait([job], timeout=grace_s)
    job.cancel()
