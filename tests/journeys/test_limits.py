"""What a running shop with two web processes admits when the Redis of its limits is killed."""

from collections import Counter
from collections.abc import AsyncGenerator, Generator, Mapping
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from pasar.engines.valkey import Valkey
from tests.fixtures.engines import new_valkey, run, started
from tests.journeys.conftest import redis_variables
from tests.journeys.frail import frozen, killed
from tests.journeys.people import PASSWORD, newcomer
from tests.journeys.processes import web_processes
from tests.journeys.shop import Shop
from tests.waiting import eventually

PROCESSES = 2
LOGINS, BROWSING = 10, 20  # a minute
VARIABLES = {
    "APP_WORKERS": str(PROCESSES),
    "RATE_LIMIT_LOGIN": str(LOGINS),
    "RATE_LIMIT_PUBLIC": str(BROWSING),
    "RATE_LIMIT_AUTH": str(BROWSING),
}


@pytest.fixture(scope="module")
def own_valkey(engines_folder: Path) -> Generator[Valkey]:
    """It keeps nothing: after its death every shared window is a new one."""
    folder = engines_folder / "limits"
    folder.mkdir(mode=0o700)
    valkey = started(lambda: new_valkey(folder))
    yield valkey
    run(valkey.stop())


@pytest.fixture(scope="module")
def broker_variables(own_valkey: Valkey) -> Mapping[str, str]:
    return {"BROKER": "streams", **redis_variables(own_valkey.login), **VARIABLES}


@pytest.fixture
async def http(shop: Shop) -> AsyncGenerator[httpx.AsyncClient]:
    """Each request dials, and so reaches a process that is not frozen."""
    dialling = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=shop.url, limits=dialling, timeout=20) as client:
        yield client


async def guesses(http: httpx.AsyncClient, count: int) -> Counter[int]:
    """Try one password on so many accounts; 401 is a guess that was checked."""
    statuses = Counter[int]()
    for _ in range(count):
        login = {"email": f"{uuid4().hex}@example.com", "password": PASSWORD}
        answer = await http.post("/api/v1/auth/login", json=login)
        statuses[answer.status_code] += 1
    return statuses


async def test_d29_h23_without_redis_each_process_keeps_its_share_of_the_logins_and_no_other_limit(
    shop: Shop, http: httpx.AsyncClient, own_valkey: Valkey
) -> None:
    """Of two processes one is frozen, so that the other answers."""
    buyer = await newcomer(http)
    browsed, alone, together = Counter[int](), list[Counter[int]](), list[Counter[int]]()

    async def limits_are_back() -> bool:
        return "X-RateLimit-Limit" in (await http.get("/api/v1/products")).headers

    await killed(own_valkey)
    for process in web_processes(shop):
        with frozen(process):
            alone.append(await guesses(http, 50))
            for path in ("/products", "/cart") * 2 * BROWSING:
                browsed[(await buyer.ask("GET", path)).status_code] += 1
    await own_valkey.start()
    for process in web_processes(shop):
        with frozen(process):
            await eventually(limits_are_back)
    for process in web_processes(shop):
        with frozen(process):
            together.append(await guesses(http, 15))

    assert alone == [{401: LOGINS // PROCESSES, 429: 50 - LOGINS // PROCESSES}] * PROCESSES
    assert browsed == {200: PROCESSES * 4 * BROWSING}
    assert together == [{401: LOGINS, 429: 15 - LOGINS}, {429: 15}]
