"""The payment process: what runs in it, in which order it starts, and in which it stops."""

import asyncio
from dataclasses import dataclass
from typing import Final

from pasar.contracts.events import ORDER_CREATED, TOPICS
from pasar.kit import log
from pasar.kit.broker.port import Broker, Subscription
from pasar.kit.outbox import Relay
from pasar.payment_service.consumer import OrderCreatedConsumer
from pasar.payment_service.grpc_listener import GrpcListener
from pasar.payment_service.service import Payments

_log: Final = log.get("main")


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentApp:
    """The connected parts; at most `concurrency` messages are handled at once."""

    broker: Broker
    relay: Relay
    payments: Payments
    consumer: OrderCreatedConsumer
    listener: GrpcListener
    concurrency: int
    grace_s: float

    async def run(self, told: asyncio.Event) -> None:
        """
        Work until `told` is set, then finish what runs within `grace_s`.

        Raises OSError when the gRPC port is taken; broker and database may come later. A part that
        fails for good ends the process rather than leave it half alive.
        """
        port = await self.listener.start()
        async with asyncio.TaskGroup() as background:
            background.create_task(self.relay.run())
            sweeper = background.create_task(self.payments.keep_sweeping(self.concurrency))
            await self.broker.declare(TOPICS)
            [channel] = TOPICS[ORDER_CREATED]
            orders = await self.broker.subscribe(
                ORDER_CREATED, channel, self.consumer, concurrency=self.concurrency
            )
            _log.info("ready", grpc_port=port)
            await told.wait()
            await self._finish(orders)
            sweeper.cancel()

    async def _finish(self, orders: Subscription) -> None:
        """Take no new message, then no new call; the relay goes last, after its batch."""
        _log.info("stopping", grace_s=self.grace_s)
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + self.grace_s
        await orders.stop(self.grace_s)
        await self.listener.stop(max(0.0, ends_at - loop.time()))
        await self.relay.stop()
