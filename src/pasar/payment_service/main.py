"""The payment service put together: the one place that picks its adapters."""

import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

from pasar.contracts.events import TOPICS, seal
from pasar.kit import process
from pasar.kit.broker.choose import connect
from pasar.kit.broker.port import Broker
from pasar.kit.clock import SystemClock
from pasar.kit.database import Database
from pasar.kit.dead_letters import PostgresDeadLetters
from pasar.kit.observer import observed
from pasar.kit.postgres import PostgresDatabase
from pasar.kit.settings import BadSetting
from pasar.kit.signals import told_to_stop
from pasar.payment_service import rules
from pasar.payment_service.app import PaymentApp
from pasar.payment_service.config import PaymentConfig
from pasar.payment_service.consumer import OrderCreatedConsumer
from pasar.payment_service.grpc_listener import GrpcListener, ListenerSettings
from pasar.payment_service.grpc_server import PaymentServicer
from pasar.payment_service.mock_bank import MockBank
from pasar.payment_service.postgres import PostgresCharges
from pasar.payment_service.postgres_refunds import PostgresRefunds
from pasar.payment_service.service import Payments


async def serve(config: PaymentConfig) -> None:
    """
    Run the payment service until SIGINT or SIGTERM; a second signal ends the process at once.

    Raises BadSetting: a taken gRPC port, TLS files that cannot be read, failpoints in production.
    """
    process.begin("payment-service", app_env=config.app_env, armed=config.pasar_failpoints)
    async with build(config) as app:
        try:
            await app.run(told_to_stop())
        except OSError as fault:
            raise BadSetting("PAYMENT_GRPC_PORT", str(fault)) from fault


@asynccontextmanager
async def build(config: PaymentConfig) -> AsyncGenerator[PaymentApp]:
    """Open database and broker for one service; neither needs to be there yet."""
    database = await PostgresDatabase.open(config.postgres())
    broker = connect(config.message_broker("payment-service"), PostgresDeadLetters(database))
    try:
        async with observed(config.payment_metrics_port, database, broker, TOPICS):
            yield compose(config, database, broker)
    finally:
        await broker.close()
        await database.close()


def compose(config: PaymentConfig, database: Database, broker: Broker) -> PaymentApp:
    """Connect the parts. Raises BadSetting when the TLS files cannot be read."""
    relay = config.relay(database, broker, partial(seal, key=config.event_signing_key))
    payments = Payments(
        PostgresCharges(database),
        PostgresRefunds(database),
        _bank(config, database),
        SystemClock(),
        currency=config.shop_currency,
        lease_s=rules.lease_s(config.payment_delay_max),
        wake=relay.wake,
    )
    keys = (config.event_signing_key, config.event_signing_key_previous)
    servicer = PaymentServicer(payments, config.payment_process_timeout)
    return PaymentApp(
        broker=broker,
        relay=relay,
        payments=payments,
        consumer=OrderCreatedConsumer(payments, keys),
        listener=GrpcListener(servicer, _listener_settings(config)),
        concurrency=config.payment_concurrency,
        grace_s=config.app_shutdown_timeout,
    )


def _bank(config: PaymentConfig, database: Database) -> MockBank:
    return MockBank(
        database,
        success_rate=config.payment_success_rate,
        delay_s=(config.payment_delay_min, config.payment_delay_max),
        seed=config.payment_seed or secrets.token_hex(),
        scripted=config.app_env != "production",
    )


def _listener_settings(config: PaymentConfig) -> ListenerSettings:
    return ListenerSettings(
        host=config.payment_grpc_host,
        port=config.payment_grpc_port,
        token=config.payment_service_token,
        open_contract=config.on_loopback,
        tls=config.tls(),
        keepalive_s=config.grpc_keepalive,
        max_message_bytes=config.grpc_max_message,
        concurrency=config.payment_concurrency,
    )
