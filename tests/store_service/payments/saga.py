"""Both services in one process on one database: real orders, real charges, a broker in memory."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from pasar.contracts.events import ORDER_CREATED, PAYMENT_FAILED, PAYMENT_SUCCESS, seal
from pasar.engines.ports import any_free
from pasar.kit.breaker import Breaker
from pasar.kit.broker.port import Handler
from pasar.kit.clock import SystemClock
from pasar.kit.failpoints import FailpointReached
from pasar.kit.outbox import Relay
from pasar.kit.periodic import Job, every
from pasar.kit.postgres import PostgresDatabase
from pasar.kit.settings import Duration
from pasar.payment_service.config import PaymentConfig
from pasar.payment_service.main import compose
from pasar.store_service import worker
from pasar.store_service.orders.model import Order, Status
from pasar.store_service.payments.grpc_client import GrpcCharges, GrpcSettings
from pasar.store_service.payments.postgres import Patience
from tests.fakes.broker import MemoryBroker, MemoryDeadLetters, Queues
from tests.store_service.payments.world import KEY, World, world_of
from tests.waiting import eventually

TOKEN: Final = "the service token of these tests, 32 bytes"
# A twentieth of the real times: the first look is at 0.25 s, the first question at 0.5 s.
QUICK: Final = Patience(resend_after_s=0.25, payment_timeout_s=45, refund_backoff_max_s=1)

FLOWS: Final = """
SELECT coalesce(sum(amount) FILTER (WHERE kind = 'charge'), 0)::int AS charged,
    coalesce(sum(amount) FILTER (WHERE kind = 'refund'), 0)::int AS refunded,
    (count(*) FILTER (WHERE kind = 'charge'))::int AS charges,
    (count(*) FILTER (WHERE kind = 'refund'))::int AS refunds
FROM payment.provider_ledger WHERE approved
"""


@dataclass(frozen=True, slots=True)
class Flows:
    """What the bank moved, in whole units of money, and how often."""

    charged: int
    refunded: int
    charges: int
    refunds: int


@dataclass
class Saga:
    """The services run inside `worker()` and `payment()`; outside they are dead."""

    world: World
    payment_database: PostgresDatabase
    config: PaymentConfig
    queues: Queues = field(default_factory=Queues)
    dead_letters: MemoryDeadLetters = field(default_factory=MemoryDeadLetters)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        async with self.payment(), self.worker():
            yield

    @asynccontextmanager
    async def payment(self) -> AsyncGenerator[None]:
        broker = MemoryBroker(self.dead_letters, queues=self.queues)
        stop = asyncio.Event()
        app = compose(self.config, self.payment_database, broker)
        running = asyncio.create_task(app.run(stop))
        try:
            yield
        finally:
            stop.set()
            await running
            await broker.close()

    @asynccontextmanager
    async def worker(self, results: Handler | None = None) -> AsyncGenerator["asyncio.Task[None]"]:
        """Run the store's worker; one that died of a failpoint was meant to."""
        broker = MemoryBroker(self.dead_letters, queues=self.queues)
        stop = asyncio.Event()
        relay = Relay(
            self.world.database,
            broker,
            partial(seal, key=KEY),
            batch=100,
            lease_s=0.2,
            poll_s=0.02,
            backoff_max_s=0.1,
        )
        running = asyncio.create_task(
            worker.run(
                broker=broker,
                relay=relay,
                endless=[_never_woken],
                results=results or self.world.results.handle,
                jobs=[Job("reconciler", every(0.05), self.world.reconciler.tick)],
                concurrency=50,
                grace_s=5,
                stop=stop,
            )
        )
        try:
            yield running
        finally:
            stop.set()
            try:
                await running
            except* FailpointReached:
                pass
            await broker.close()

    def lose(self, *topics: str) -> int:
        """Let the broker forget what waits, and return how much that was."""
        lost = 0
        for topic in topics or (ORDER_CREATED, PAYMENT_SUCCESS, PAYMENT_FAILED):
            for channel in self.queues.topics[topic].values():
                while not channel.ready.empty():
                    channel.ready.get_nowait()
                    lost += 1
        return lost

    async def reached(self, orders: Sequence[Order], *ends: tuple[Status, str]) -> None:
        """Wait until each order stands at one of the ends."""

        async def all_there() -> bool:
            return all([await self.world.status(order) in ends for order in orders])

        await eventually(all_there, within_s=30, what=f"the end of {len(orders)} orders")

    async def flows(self) -> Flows:
        [row] = await self.world.rows(FLOWS)
        return Flows(**row)


async def _never_woken() -> None:
    await asyncio.Event().wait()


@asynccontextmanager
async def saga_of(
    owner: PostgresDatabase,
    database: PostgresDatabase,
    payment_database: PostgresDatabase,
    patience: Patience = QUICK,
    **settings: object,
) -> AsyncGenerator[Saga]:
    config = PaymentConfig(
        app_env="test",
        payment_grpc_port=any_free("127.0.0.1"),
        payment_service_token=TOKEN,
        event_signing_key=KEY,
        relay_poll=Duration(0.02),
        app_shutdown_timeout=Duration(0.5),
        **{"payment_delay_min": Duration(0), "payment_delay_max": Duration(0.02), **settings},  # type: ignore[arg-type]  # each of its own type
    )
    how = GrpcSettings(
        address=f"127.0.0.1:{config.payment_grpc_port}",
        token=TOKEN,
        authority=None,
        call_timeout_s=5,
        slow_call_timeout_s=5,
        tries=3,
        keepalive_s=30,
        max_message_bytes=65_536,
    )
    breaker = Breaker("payment", failures=5, open_s=0.2, clock=SystemClock())
    charges = GrpcCharges(how, breaker)
    try:
        yield Saga(world_of(owner, database, charges, patience), payment_database, config)
    finally:
        await charges.close()
