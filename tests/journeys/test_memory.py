"""What a web process keeps of the memory that it hashes passwords in."""

import asyncio
from collections.abc import Mapping

import httpx
import pytest

from pasar.engines.valkey_login import ValkeyLogin
from tests.journeys.conftest import redis_variables
from tests.journeys.people import newcomer
from tests.journeys.processes import memory, web_process
from tests.journeys.shop import Shop

HASH_KIB = 30_000  # of more than 32 MiB glibc keeps nothing in any case
LOGINS = 8


@pytest.fixture(scope="module")
def broker_variables(valkey: ValkeyLogin) -> Mapping[str, str]:
    return {"BROKER": "streams", "ARGON2_MEMORY": str(HASH_KIB), **redis_variables(valkey)}


async def test_logins_leave_not_even_one_hash_behind(shop: Shop, http: httpx.AsyncClient) -> None:
    (await http.get("/health")).raise_for_status()
    before = memory(web_process(shop))

    await asyncio.gather(*(newcomer(http) for _ in range(LOGINS)))

    assert memory(web_process(shop)) - before < HASH_KIB * 1024 * 3 // 4
