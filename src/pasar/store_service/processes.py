"""
The web process of the store service; the other one is in `background.py`.

Takes the parts that `main.py` connects and gives them their order of start and stop.
"""

import asyncio
import socket
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from typing import Final

from pasar.kit import process
from pasar.kit.clock import SystemClock
from pasar.kit.errors import Unavailable
from pasar.kit.postgres_listen import Listener, Wakeups
from pasar.kit.ratelimit import RateLimiter
from pasar.kit.ratelimit_local import LocalLimiter
from pasar.kit.signals import told_to_stop
from pasar.store_service import app, heartbeat, preflight
from pasar.store_service.accounts.postgres_sessions import CHANNEL as SESSION_CHANNEL
from pasar.store_service.config import StoreConfig
from pasar.store_service.core import OUTBOX_CHANNEL, SERVICE
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


def _connection_limits(config: StoreConfig) -> ConnectionLimits:
    return ConnectionLimits(
        header_timeout_s=config.app_header_timeout,
        read_timeout_s=config.app_read_timeout,
        write_timeout_s=max(config.app_write_timeout, config.app_request_timeout + WRITE_MARGIN_S),
        idle_timeout_s=config.app_idle_timeout,
        max_connections=connections_allowed(config.app_max_connections),
        max_head_bytes=config.app_max_headers,
    )
