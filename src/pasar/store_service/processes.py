"""
The web process of the store service, and its parent's check; the other one is in `background.py`.

Each takes the parts that `main.py` connects and gives them their order of start and stop.
"""

import asyncio
import socket
from contextlib import suppress
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from typing import Final

from pasar.kit import log, process
from pasar.kit.clock import SystemClock
from pasar.kit.errors import Conflict, Invalid, Unavailable
from pasar.kit.postgres import PostgresDatabase
from pasar.kit.postgres_listen import Listener, Wakeups
from pasar.kit.ratelimit import LocalLimiter, RateLimiter
from pasar.kit.settings import BadSetting
from pasar.kit.signals import told_to_stop
from pasar.store_service import app, heartbeat, preflight
from pasar.store_service.accounts.postgres_sessions import CHANNEL as SESSION_CHANNEL
from pasar.store_service.accounts.service import AccountService
from pasar.store_service.config import StoreConfig
from pasar.store_service.core import OUTBOX_CHANNEL, SERVICE, nobody
from pasar.store_service.main import Parts, build
from pasar.store_service.routes import ROUTES
from pasar.store_service.web.address import Clients, networks
from pasar.store_service.web.cors import Cors, origins
from pasar.store_service.web.docs import docs_files
from pasar.store_service.web.files import PATH as FILES_PATH
from pasar.store_service.web.files import Files
from pasar.store_service.web.limits import Limits
from pasar.store_service.web.middleware import Edge, EdgeSettings
from pasar.store_service.web.openapi import describe, encode
from pasar.store_service.web.pipeline import Guard
from pasar.store_service.web.protocol import ConnectionLimits
from pasar.store_service.web.route import Limit
from pasar.store_service.web.server import ServerSettings, connections_allowed
from pasar.store_service.web.system import SystemHandler
from pasar.store_service.web.uploads import Uploads

CHECK_TIMEOUT_S: Final = 2.0  # of /ready: a part that takes longer is as good as away
WRITE_MARGIN_S: Final = 5.0  # after a request's budget, so that its 504 still arrives (D36)

_log: Final = log.get("preflight")


async def prepare(config: StoreConfig) -> None:
    """
    Ask, before any process is started, for what the service cannot start without.

    The broker is not among it (contract section 12). The admin of the variables, if any, is set up
    here while the seeded one is in force (contract D50).

    Raises:
        ExceptionGroup: one BadSetting for each reason to refuse.
        Unavailable: PostgreSQL or Redis is away, or the schema is not up to date.
    """
    faults = preflight.bad_settings(config)
    try:
        faults += await _refusals(config)
    except Unavailable:
        preflight.refuse(faults)
        raise
    preflight.refuse(faults)


async def _refusals(config: StoreConfig) -> list[BadSetting]:
    """Ask the engines. With the login's own rights first: an unmigrated server has no roles."""
    login = await PostgresDatabase.open(replace(config.postgres(1), role="none"))
    parts = await build(config, pool_size=1, wake=nobody)
    faults: list[BadSetting] = []
    try:
        await preflight.reached(
            f"PostgreSQL at {config.db_host}:{config.db_port}",
            partial(preflight.check_schema, login),
        )
        await preflight.reached(
            f"Redis at {config.redis_host}:{config.redis_port}",
            partial(parts.redis.execute_command, "PING"),
        )
        if await parts.signing_in.accounts.default_admin_in_force():
            faults += await _replace_admin(config, parts.signing_in.accounts)
        if config.app_env == "production" and not await preflight.is_durable(login):
            faults.append(BadSetting("DB_HOST", "fsync or synchronous_commit is off there"))
    finally:
        await login.close()
        await parts.close()
    return faults


async def _replace_admin(config: StoreConfig, accounts: AccountService) -> list[BadSetting]:
    """Make the configured admin; without one production refuses and development warns."""
    known = "the seeded admin is in force: set ADMIN_EMAIL, or run `pasar create-admin`"
    if config.admin_email:
        try:
            await accounts.create_admin(config.admin_email, config.admin_password, "Admin")
        except (Invalid, Conflict) as fault:
            return [BadSetting("ADMIN_EMAIL", fault.message)]
    elif config.app_env == "production":
        return [BadSetting("APP_ENV", known)]
    else:
        _log.warning(known)
    return []


async def serve(config: StoreConfig, listener: socket.socket) -> None:
    """Be a web process on the given socket until told to stop."""
    process.begin(SERVICE, app_env=config.app_env, armed=config.pasar_failpoints)
    wakeups = Wakeups(config.postgres(1), OUTBOX_CHANNEL)
    parts = await build(config, pool_size=config.db_pool_size, wake=wakeups.notify)
    system = SystemHandler(
        broker=config.broker,
        checks={
            "database": partial(preflight.check_schema, parts.database),
            "worker": partial(heartbeat.check, parts.database, config.worker_heartbeat_limit),
        },
        check_timeout_s=CHECK_TIMEOUT_S,
    )
    tokens = parts.signing_in.live_tokens
    ended_sessions = Listener(config.postgres(1), SESSION_CHANNEL, tokens.wake)
    edge = _application(config, parts, system)
    with suppress(Unavailable):  # then tokens are judged from the first look that succeeds
        await tokens.look()
    async with asyncio.TaskGroup() as background:
        endless = (wakeups.run, tokens.run, ended_sessions.run, *(c.run for c in parts.copies))
        jobs = [background.create_task(run()) for run in endless]
        jobs.append(background.create_task(edge.admission.watch(parts.database.ping)))
        await app.run(
            edge,
            listener,
            ServerSettings(
                connection=_connection_limits(config),
                drain_delay_s=config.app_drain_delay,
                shutdown_timeout_s=config.app_shutdown_timeout,
            ),
            stop=told_to_stop(),
            drain=system.drain,
            closers={"parts": parts.close},
        )
        for job in jobs:
            job.cancel()


def _application(config: StoreConfig, parts: Parts, system: SystemHandler) -> Edge:
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
    return app.build(
        ROUTES,
        [system, *parts.handlers],
        guard=Guard(
            verifier=parts.signing_in.live_tokens,
            limits=limits,
            max_body_bytes=config.app_max_body,
            max_json_depth=config.app_json_depth,
            uploads=Uploads(
                max_size=config.upload_max_size,
                form_extra=config.upload_form_extra,
                max_parts=config.upload_max_parts,
            ),
            once=parts.once,
        ),
        clients=Clients(networks(config.trusted_proxies)),
        files={
            FILES_PATH: Files(parts.storage),
            **docs_files(encode(describe(ROUTES, version("pasar")))),
        },
        cors=Cors(origins(config.cors_allowed_origins)),
        clock=clock,
        settings=EdgeSettings(
            request_timeout_s=config.app_request_timeout,
            max_in_flight=config.app_max_in_flight,
            db_connections=config.db_pool_size,
        ),
    )


async def create_admin(config: StoreConfig, email: str, password: str, name: str) -> None:
    """Set up an administrator. Raises kit.errors.Invalid, Conflict, Unavailable."""
    parts = await build(config, pool_size=1, wake=nobody)
    try:
        await parts.signing_in.accounts.create_admin(email, password, name)
    finally:
        await parts.close()


def _connection_limits(config: StoreConfig) -> ConnectionLimits:
    return ConnectionLimits(
        header_timeout_s=config.app_header_timeout,
        read_timeout_s=config.app_read_timeout,
        write_timeout_s=max(config.app_write_timeout, config.app_request_timeout + WRITE_MARGIN_S),
        idle_timeout_s=config.app_idle_timeout,
        max_connections=connections_allowed(config.app_max_connections),
        max_head_bytes=config.app_max_headers,
    )
