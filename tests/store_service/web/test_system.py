"""Alive, and ready: the two questions that load balancers and supervisors ask."""

import asyncio

import httpx
from structlog.testing import capture_logs

from pasar.store_service.web.route import PUBLIC
from pasar.store_service.web.system import Check, Health, Ready, SystemHandler
from tests.store_service.web.toy import ToyShop, row

ROWS = (
    row("GET", "/health", SystemHandler.health, access=PUBLIC, answer=Health),
    row("GET", "/ready", SystemHandler.ready, access=PUBLIC, answer=Ready),
)


def system(**checks: Check) -> SystemHandler:
    return SystemHandler(broker="streams", checks=checks, check_timeout_s=0.02)


async def ask(handler: SystemHandler, path: str) -> httpx.Response:
    async with ToyShop(rows=ROWS, handlers=[handler]).client() as client:
        return await client.get(path)


async def there() -> None:
    """Answer as a part that works."""


async def away() -> None:
    raise ConnectionError("refused")


async def frozen() -> None:
    await asyncio.Event().wait()


async def test_health_asks_nobody_and_names_the_broker() -> None:
    response = await ask(system(database=away), "/health")

    assert response.status_code == 200
    assert response.json()["data"] == {"status": "ok", "broker": "streams"}


async def test_a_process_is_ready_when_all_its_parts_are_there() -> None:
    response = await ask(system(database=there, redis=there), "/ready")

    assert response.status_code == 200
    assert response.json()["data"] == {"status": "ready"}


async def test_parts_that_are_away_or_silent_are_named() -> None:
    response = await ask(system(database=away, redis=there, worker=frozen), "/ready")

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "1"
    assert response.json()["errors"] == [
        {"code": "SERVICE_UNAVAILABLE", "message": "not ready: database, worker"}
    ]


async def test_that_a_part_went_away_or_came_back_is_logged_once_however_often_somebody_asks() -> (
    None
):
    gone = iter((True, True, True, False, False))

    async def frail() -> None:
        if next(gone):
            raise ConnectionError("refused")

    handler = system(database=frail, redis=there)
    with capture_logs() as lines:
        for _ in range(5):
            await ask(handler, "/ready")

    told = [(line["event"], line["name"]) for line in lines if line.get("part") == "system"]
    assert told == [("part away", "database"), ("part back", "database")]


async def test_a_draining_process_wants_no_more_requests_but_lives() -> None:
    handler = system(database=there)
    handler.drain()

    ready, health = await ask(handler, "/ready"), await ask(handler, "/health")

    assert ready.status_code == 503
    assert ready.json()["errors"][0]["message"] == "draining"
    assert health.status_code == 200
