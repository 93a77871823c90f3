"""The whole store service in this process, asked over HTTP by whom a test names."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from pasar.engines.valkey_login import ValkeyLogin
from pasar.kit.postgres import PostgresDatabase, PostgresSettings
from pasar.kit.redis import Redis
from pasar.store_service.main import build
from tests.store_service.served import application, asked, bearer, config_on
from tests.store_service.shop import Shop


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
        headers = bearer(caller or uuid4(), role) if role else {}
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


@pytest.fixture
async def service(
    clone: PostgresSettings, owner: PostgresDatabase, redis: Redis, valkey: ValkeyLogin
) -> AsyncGenerator[Service]:
    await redis.flushall()
    config = config_on(clone, valkey)
    parts = await build(config, pool_size=5, wake=lambda: None)
    async with asked(application(config, parts)) as http:
        yield Service(http, Shop(owner), owner)
    await parts.close()
