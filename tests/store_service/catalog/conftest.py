"""The whole store service in this process, asked over HTTP by whom a test names."""

import time
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from pasar.engines.valkey_login import ValkeyLogin
from pasar.kit.clock import SystemClock
from pasar.kit.postgres import PostgresDatabase, PostgresSettings
from pasar.kit.ratelimit import LocalLimiter, RateLimiter
from pasar.kit.redis import Redis
from pasar.kit.settings import Duration
from pasar.kit.tokens import ACCESS, Claims, TokenSigner, TokenVerifier
from pasar.store_service import app
from pasar.store_service.config import StoreConfig
from pasar.store_service.main import build
from pasar.store_service.routes import ROUTES
from pasar.store_service.web.address import Clients
from pasar.store_service.web.cors import Cors
from pasar.store_service.web.limits import Limits
from pasar.store_service.web.middleware import EdgeSettings
from pasar.store_service.web.pipeline import Guard
from pasar.store_service.web.route import Limit
from pasar.store_service.web.system import SystemHandler
from tests.store_service.shop import Shop
from tests.store_service.web.documented import documented

SECRET = "a secret of the tests, 32 bytes or more"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Mapping[str, Any]

    @property
    def data(self) -> Any:
        assert self.status < 300, self.body
        return self.body["data"]

    @property
    def fault(self) -> tuple[int, str, str | None, str]:
        """Status, code, field and message of the only error."""
        (error,) = self.body["errors"]
        return self.status, error["code"], error.get("field"), error["message"]


@dataclass(frozen=True, slots=True)
class Service:
    """Asks as `caller` in the role named; nobody's token without one."""

    http: httpx.AsyncClient
    shop: Shop
    database: PostgresDatabase

    async def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        role: str = "",
        caller: UUID | None = None,
    ) -> Answer:
        headers = {"Authorization": f"Bearer {_token(role, caller)}"} if role else {}
        answer = await self.http.request(method, path, json=body, headers=headers)
        return Answer(answer.status_code, answer.json())

    async def seller(self) -> UUID:
        """Return who owns the shop's first store."""
        await self.shop.product()
        row = await self.database.fetch_one(
            "SELECT user_id FROM stores WHERE id = $1", self.shop.default_store
        )
        assert row is not None
        seller: UUID = row["user_id"]
        return seller


def _token(role: str, caller: UUID | None) -> str:
    claims = Claims(
        user_id=str(caller or uuid4()),
        role=role,
        token_type=ACCESS,
        jti=str(uuid4()),
        exp=int(time.time()) + 3600,
    )
    return TokenSigner(SECRET).sign(claims)


@pytest.fixture
async def service(
    clone: PostgresSettings, owner: PostgresDatabase, redis: Redis, valkey: ValkeyLogin
) -> AsyncGenerator[Service]:
    await redis.flushall()
    config = StoreConfig(
        db_host=clone.host,
        db_port=clone.port,
        db_user=clone.user,
        db_password=clone.password,
        db_name=clone.database,
        redis_host=valkey.host,
        redis_port=valkey.port,
        redis_password=valkey.password,
        redis_timeout=Duration(2),  # a busy machine must not look like a dead Redis
        jwt_secret=SECRET,
    )
    parts = await build(config, pool_size=5, wake=lambda: None)
    clock = SystemClock()
    limits = Limits(
        RateLimiter(parts.redis), LocalLimiter(clock), dict.fromkeys(Limit, 0), processes=1
    )
    application = app.build(
        ROUTES,
        [SystemHandler(broker="streams", checks={}, check_timeout_s=1), *parts.handlers],
        guard=Guard(
            verifier=TokenVerifier(SECRET),
            limits=limits,
            max_body_bytes=100_000,
            uploads=config.uploads(),
            once=parts.once,
            max_json_depth=20,
        ),
        files={},
        clients=Clients([]),
        cors=Cors([]),
        clock=clock,
        settings=EdgeSettings(request_timeout_s=30, max_in_flight=100, db_connections=10),
    )
    transport = httpx.ASGITransport(app=application)
    async with httpx.AsyncClient(
        transport=transport,
        base_url="http://shop/api/v1",
        event_hooks={"response": [documented(ROUTES).check]},
    ) as http:
        yield Service(http, Shop(owner), owner)
    await parts.close()
