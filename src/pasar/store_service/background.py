"""
The background process of the store service, and the corner of the composition root that it needs.

Only here is the payment service spoken to: web processes never load its client.
"""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import time
from functools import partial
from typing import Final

from pasar.contracts.events import TOPICS, seal
from pasar.kit import process
from pasar.kit.breaker import Breaker
from pasar.kit.broker.choose import connect
from pasar.kit.clock import Clock, SystemClock
from pasar.kit.dead_letters import PostgresDeadLetters
from pasar.kit.metrics import ORDERS_PENDING_OVERDUE
from pasar.kit.observer import Figure, observed
from pasar.kit.periodic import Job, daily, every
from pasar.kit.postgres_listen import Listener
from pasar.kit.signals import told_to_stop
from pasar.store_service import heartbeat, worker
from pasar.store_service.config import StoreConfig
from pasar.store_service.core import OUTBOX_CHANNEL, SERVICE, Core, nobody, open_core
from pasar.store_service.payments.comparison import Comparer
from pasar.store_service.payments.consumer import PaymentResults
from pasar.store_service.payments.grpc_client import GrpcCharges, GrpcSettings
from pasar.store_service.payments.model import Comparison
from pasar.store_service.payments.postgres import Patience, PostgresDues
from pasar.store_service.payments.reconciler import Reconciler
from pasar.store_service.payments.service import PaymentService
from pasar.store_service.sweep import HOUR_S, sweeper

OVERDUE: Final = """
SELECT count(*) AS figure FROM orders
WHERE status = 'pending' AND created_at < now() - make_interval(secs => $1)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paying:
    """The talk with the payment service."""

    results: PaymentResults
    reconciler: Reconciler
    comparer: Comparer


async def work(config: StoreConfig) -> None:
    """Be the background process until told to stop."""
    process.begin(SERVICE, app_env=config.app_env, armed=config.pasar_failpoints)
    clock = SystemClock()
    core = await open_core(config, pool_size=config.db_worker_pool_size, wake=nobody)
    address = config.message_broker(f"{SERVICE}-{os.getpid()}")
    broker = connect(address, PostgresDeadLetters(core.postgres))
    relay = config.relay(core.postgres, broker, partial(seal, key=config.event_signing_key))
    listener = Listener(config.postgres(1), OUTBOX_CHANNEL, relay.wake)
    try:
        async with (
            paying(config, core, clock) as talk,
            observed(config.metrics_port, core.postgres, broker, TOPICS, _overdue(config)),
        ):
            await worker.run(
                broker=broker,
                relay=relay,
                endless=[listener.run, *(copies.run for copies in core.copies.shared)],
                results=talk.results.handle,
                jobs=_jobs(config, core, talk, clock),
                concurrency=config.broker_concurrency,
                grace_s=config.app_shutdown_timeout,
                stop=told_to_stop(),
            )
    finally:
        await broker.close()
        await core.close()


async def compare_books(config: StoreConfig) -> Comparison:
    """Compare with the payment service's books once, now. Raises kit.errors.Unavailable."""
    core = await open_core(config, pool_size=config.db_worker_pool_size, wake=nobody)
    try:
        async with paying(config, core, SystemClock()) as talk:
            return await talk.comparer.compare()
    finally:
        await core.close()


@asynccontextmanager
async def paying(config: StoreConfig, core: Core, clock: Clock) -> AsyncGenerator[Paying]:
    """Connect the parts of the talk; the payment service may be away."""
    breaker = Breaker(
        "payment", failures=config.breaker_failures, open_s=config.breaker_open, clock=clock
    )
    charges = GrpcCharges(_calls(config), breaker)
    dues = PostgresDues(core.postgres, _patience(config))
    payments = PaymentService(core.postgres, core.ordering)
    keys = (config.event_signing_key, config.event_signing_key_previous)
    try:
        yield Paying(
            results=PaymentResults(payments, charges, keys),
            reconciler=Reconciler(payments, dues, charges),
            comparer=Comparer(payments, dues, charges),
        )
    finally:
        await charges.close()


def _jobs(config: StoreConfig, core: Core, talk: Paying, clock: Clock) -> tuple[Job, ...]:
    """Return what comes round: a further job is a further row."""
    beat_s = config.worker_heartbeat_limit / heartbeat.BEATS_WITHIN_LIMIT
    at = time.fromisoformat(config.reconcile_at)
    return (
        Job("heartbeat", every(beat_s), partial(heartbeat.beat, core.postgres)),
        Job("reconciler", every(config.reconcile_interval), talk.reconciler.tick),
        Job("comparison", daily(at, clock), talk.comparer.compare),
        Job("sweep", every(HOUR_S), sweeper(config, core.postgres, core.storage).sweep),
    )


def _overdue(config: StoreConfig) -> Figure:
    return Figure(ORDERS_PENDING_OVERDUE, OVERDUE, (config.payment_timeout,))


def _calls(config: StoreConfig) -> GrpcSettings:
    return GrpcSettings(
        address=config.payment_grpc_addr,
        token=config.payment_service_token,
        authority=config.payment_authority(),
        call_timeout_s=config.payment_rpc_timeout,
        slow_call_timeout_s=config.payment_refund_timeout,
        tries=config.payment_rpc_tries,
        keepalive_s=config.grpc_keepalive,
        max_message_bytes=config.grpc_max_message,
    )


def _patience(config: StoreConfig) -> Patience:
    return Patience(
        resend_after_s=config.resend_after,
        payment_timeout_s=config.payment_timeout,
        refund_backoff_max_s=config.refund_backoff_max,
    )
