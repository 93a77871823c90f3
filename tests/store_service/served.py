"""The store service on real engines in this process, asked without a socket."""

import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID, uuid4

import httpx
from starlette.types import ASGIApp

from pasar.engines.valkey_login import ValkeyLogin
from pasar.kit.clock import SystemClock
from pasar.kit.postgres import PostgresSettings
from pasar.kit.ratelimit import RateLimiter
from pasar.kit.ratelimit_local import LocalLimiter
from pasar.kit.settings import Duration
from pasar.kit.tokens import ACCESS, Claims, TokenSigner, TokenVerifier, Verifier
from pasar.store_service import app
from pasar.store_service.config import StoreConfig
from pasar.store_service.main import Parts
from pasar.store_service.routes import ROUTES
from pasar.store_service.web.address import Clients
from pasar.store_service.web.cors import Cors
from pasar.store_service.web.limits import Limits
from pasar.store_service.web.middleware import EdgeSettings
from pasar.store_service.web.pipeline import Guard
from pasar.store_service.web.route import Limit
from pasar.store_service.web.system import SystemHandler
from pasar.store_service.web.uploads import Uploads
from tests.store_service.web.documented import documented

SECRET: Final = "a secret of the tests, 32 bytes or more"
NO_LIMITS: Final = dict.fromkeys(Limit, 0)


def config_on(database: PostgresSettings, redis: ValkeyLogin) -> StoreConfig:
    return StoreConfig(
        db_host=database.host,
        db_port=database.port,
        db_user=database.user,
        db_password=database.password,
        db_name=database.database,
        redis_host=redis.host,
        redis_port=redis.port,
        redis_password=redis.password,
        redis_timeout=Duration(2),  # a busy machine must not look like a dead Redis
        jwt_secret=SECRET,
    )


def bearer(user_id: UUID, role: str = "buyer") -> dict[str, str]:
    """Return the header of somebody who is logged in."""
    claims = Claims(
        user_id=str(user_id),
        role=role,
        token_type=ACCESS,
        jti=str(uuid4()),
        exp=int(time.time()) + 3600,
    )
    return {"Authorization": f"Bearer {TokenSigner(SECRET).sign(claims)}"}


def application(
    config: StoreConfig,
    parts: Parts,
    *,
    verifier: Verifier | None = None,
    per_minute: Mapping[Limit, int] = NO_LIMITS,
    request_timeout_s: float = 30,
) -> ASGIApp:
    """Return all routes over these parts; without a `verifier` every token of `bearer` is good."""
    clock = SystemClock()
    return app.build(
        ROUTES,
        [SystemHandler(broker="streams", checks={}, check_timeout_s=1), *parts.handlers],
        guard=Guard(
            verifier=verifier or TokenVerifier(SECRET),
            limits=Limits(RateLimiter(parts.redis), LocalLimiter(clock), per_minute, processes=1),
            max_body_bytes=100_000,
            max_json_depth=20,
            uploads=Uploads(
                max_size=config.upload_max_size,
                form_extra=config.upload_form_extra,
                max_parts=config.upload_max_parts,
            ),
            once=parts.once,
        ),
        files={},
        clients=Clients([]),
        cors=Cors([]),
        clock=clock,
        settings=EdgeSettings(
            request_timeout_s=request_timeout_s, max_in_flight=200, db_connections=10
        ),
    )


@asynccontextmanager
async def asked(
    shop: ASGIApp, base_url: str = "http://shop/api/v1"
) -> AsyncGenerator[httpx.AsyncClient]:
    """Return a client whose every answer is compared with the API description."""
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=shop),
        base_url=base_url,
        event_hooks={"response": [documented(ROUTES).check]},
    ) as http:
        yield http
