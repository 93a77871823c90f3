"""
The processes of the store service: a web process, the background process, and their parent's check.

Each takes the parts that `main.py` connects and gives them their order of start and stop.
"""

import asyncio
import os
import socket
from functools import partial
from pathlib import Path
from typing import Final

from pasar.contracts.events import seal
from pasar.kit import log
from pasar.kit.broker.choose import connect
from pasar.kit.clock import SystemClock
from pasar.kit.dead_letters import PostgresDeadLetters
from pasar.kit.outbox import Relay
from pasar.kit.postgres_listen import Listener, Wakeups
from pasar.kit.ratelimit import LocalLimiter, RateLimiter
from pasar.kit.signals import told_to_stop
from pasar.kit.tokens import TokenVerifier
from pasar.store_service import app, preflight, worker
from pasar.store_service.config import StoreConfig
from pasar.store_service.main import Parts, build
from pasar.store_service.routes import ROUTES
from pasar.store_service.web.address import Clients, networks
from pasar.store_service.web.files import PATH as FILES_PATH
from pasar.store_service.web.files import Files
from pasar.store_service.web.limits import Limits
from pasar.store_service.web.middleware import EdgeSettings
from pasar.store_service.web.pipeline import Guard
from pasar.store_service.web.route import Limit
from pasar.store_service.web.server import ServerSettings
from pasar.store_service.web.system import SystemHandler

NEWEST_MIGRATION: Final = max(
    path.stem[:4] for path in (Path(__file__).parent / "migrations").glob("[0-9]*.py")
)
OUTBOX_CHANNEL: Final = "store_outbox"  # of NOTIFY: checkout wakes the worker's relay
CHECK_TIMEOUT_S: Final = 2.0  # of /ready: a part that takes longer is as good as away
SERVICE: Final = "store-service"


async def preflight_check(config: StoreConfig) -> None:
    """
    Ask, before any process is started, for what the service cannot start without.

    The broker is not among it (contract section 12). Raises BadSetting, NotReachable.
    """
    preflight.check_settings(config)
    parts = await build(config, pool_size=1, wake=_nobody)
    schema = partial(preflight.check_schema, parts.database, NEWEST_MIGRATION)
    try:
        await preflight.reached(f"PostgreSQL at {config.db_host}:{config.db_port}", schema)
        await preflight.reached(
            f"Redis at {config.redis_host}:{config.redis_port}", parts.redis.ping
        )
        await preflight.check_admin(config, parts.accounts.default_admin_in_force)
        if config.app_env == "production":
            await preflight.check_durability(parts.database)
    finally:
        await _close(parts)


async def serve(config: StoreConfig, listener: socket.socket) -> None:
    """Be a web process on the given socket until told to stop."""
    log.configure(SERVICE, human=config.app_env == "development")
    wakeups = Wakeups(config.postgres(1), OUTBOX_CHANNEL)
    parts = await build(config, pool_size=config.db_pool_size, wake=wakeups.notify)
    system = SystemHandler(
        broker=config.broker,
        checks={"database": partial(preflight.check_schema, parts.database, NEWEST_MIGRATION)},
        check_timeout_s=CHECK_TIMEOUT_S,
    )
    clock = SystemClock()
    limits = Limits(
        RateLimiter(parts.redis),
        LocalLimiter(clock),
        {
            Limit.LOGIN: config.rate_limit_login,
            Limit.PUBLIC: config.rate_limit_public,
            Limit.AUTH: config.rate_limit_auth,
        },
        processes=config.web_processes(),
    )
    application = app.build(
        ROUTES,
        [system, *parts.handlers],
        guard=Guard(
            verifier=TokenVerifier(config.jwt_secret),
            limits=limits,
            max_body_bytes=config.app_max_body,
            uploads=config.uploads(),
        ),
        files={FILES_PATH: Files(parts.storage)},
        clients=Clients(networks(config.trusted_proxies)),
        clock=clock,
        settings=EdgeSettings(
            request_timeout_s=config.app_request_timeout, max_in_flight=config.app_max_in_flight
        ),
    )
    waking = asyncio.create_task(wakeups.run())
    await app.run(
        application,
        listener,
        ServerSettings(
            idle_timeout_s=config.app_idle_timeout,
            drain_delay_s=config.app_drain_delay,
            shutdown_timeout_s=config.app_shutdown_timeout,
        ),
        stop=told_to_stop(),
        drain=system.drain,
        closers={"parts": partial(_close, parts)},
    )
    waking.cancel()


async def work(config: StoreConfig) -> None:
    """Be the background process until told to stop."""
    log.configure(SERVICE, human=config.app_env == "development")
    parts = await build(config, pool_size=config.db_worker_pool_size, wake=_nobody)
    broker = connect(
        config.message_broker(f"{SERVICE}-{os.getpid()}"), PostgresDeadLetters(parts.database)
    )
    relay = Relay(
        parts.database,
        broker,
        partial(seal, key=config.event_signing_key),
        batch=config.relay_batch,
        lease_s=config.relay_lease,
        poll_s=config.relay_poll,
        backoff_max_s=config.relay_backoff_max,
    )
    await worker.run(
        broker=broker,
        relay=relay,
        listen=Listener(config.postgres(1), OUTBOX_CHANNEL, relay.wake).run,
        results=parts.payment_results.handle,
        concurrency=config.broker_concurrency,
        grace_s=config.app_shutdown_timeout,
        stop=told_to_stop(),
        closers=[broker.close, partial(_close, parts)],
    )


async def create_admin(config: StoreConfig, email: str, password: str, name: str) -> None:
    """Set up an administrator. Raises kit.errors.Invalid, Conflict, Unavailable."""
    parts = await build(config, pool_size=1, wake=_nobody)
    try:
        await parts.accounts.create_admin(email, password, name)
    finally:
        await _close(parts)


async def _close(parts: Parts) -> None:
    parts.passwords.close()
    await parts.redis.close()
    await parts.database.close()


def _nobody() -> None:
    """Wake nobody: the process makes no order, or is the relay itself."""
