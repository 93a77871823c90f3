"""What happens to every request, whatever its path (contract 1.9, D32, D33, D35, D36, D53)."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from pasar.kit import log
from pasar.kit.postgres import PostgresDatabase
from pasar.store_service.web.middleware import CLIENT_GONE
from pasar.store_service.web.parse import ClientGone
from pasar.store_service.web.route import PUBLIC, Call
from tests.store_service.web.toy import BUYER_ID, TOY, ToyShop, as_user, error_of, row
from tests.waiting import eventually

CATEGORY = "INSERT INTO categories (name) VALUES ('half made')"
RUNNING = "SELECT query FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)' AND state = 'active'"
EVERY_KIND = {
    "/toys": 200,
    "/unknown": 404,
    "/toys/x": 400,
    "/crash": 500,
    "/slow": 504,
}


@pytest.mark.parametrize("given", ["abc", "a-_.:/+=@9", "x" * 128])
async def test_a_usable_request_id_is_taken_over(given: str) -> None:
    async with ToyShop().client() as client:
        response = await client.get("/toys", headers={"X-Request-ID": given})

    assert response.headers["X-Request-ID"] == given
    assert response.json()["meta"]["request_id"] == given


@pytest.mark.parametrize("given", [None, "", "x" * 129, "a b", "a,b", "a\\b", "é", "<script>"])
async def test_any_other_request_id_is_replaced_by_a_new_one(given: str | None) -> None:
    headers = [] if given is None else [(b"X-Request-ID", given.encode())]
    async with ToyShop().client() as client:
        first = await client.get("/toys", headers=headers)
        second = await client.get("/toys", headers=headers)

    ids = {str(UUID(answer.headers["X-Request-ID"])) for answer in (first, second)}
    assert len(ids) == 2
    assert first.json()["meta"]["request_id"] in ids


@pytest.mark.parametrize(("path", "status"), EVERY_KIND.items())
async def test_d33_every_answer_bears_its_id_and_the_security_headers(
    path: str, status: int
) -> None:
    async with ToyShop(request_timeout_s=0.01).client() as client:
        response = await client.get(path, headers={"X-Request-ID": "r-1"})

    assert response.status_code == status
    assert response.json()["meta"]["request_id"] == "r-1"
    assert response.headers["X-Request-ID"] == "r-1"
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Content-Security-Policy"] == (
        "default-src 'none'; frame-ancestors 'none'"
    )
    assert not [name for name in response.headers if name.startswith("access-control")]


@pytest.mark.parametrize("token", ["buyer", "forged"])
async def test_private_answers_and_refusals_are_not_stored(token: str) -> None:
    async with ToyShop().client() as client:
        private = await client.put(f"/toys/{TOY}", headers=as_user(token))
        public = await client.get(f"/toys/{TOY}")

    assert private.headers["Cache-Control"] == "no-store"
    assert "Cache-Control" not in public.headers


async def test_the_timestamp_is_utc_in_whole_seconds() -> None:
    async with ToyShop().client() as client:
        text = (await client.get("/toys")).json()["meta"]["timestamp"]

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text)
    assert abs(datetime.fromisoformat(text) - datetime.now(UTC)) < timedelta(seconds=5)


async def test_one_line_per_request_tells_how_it_ended() -> None:
    with capture_logs() as lines:
        async with ToyShop().client() as client:
            await client.put(f"/toys/{TOY}?secret=1", content=b"x", headers=as_user("buyer"))

    (line,) = completed(lines)
    assert re.fullmatch(r"\d+\.\d{3}ms", line.pop("latency"))
    assert line == {
        "event": "request completed",
        "log_level": "info",
        "part": "http",
        "method": "PUT",
        "path": f"/toys/{TOY}",
        "status": 400,
        "ip": "192.0.2.1",
    }


async def test_lines_of_a_request_bear_its_id_and_its_user_and_not_the_last_ones() -> None:
    async with ToyShop().client() as client:
        await client.put("/toys/x", headers=as_user("buyer") | {"X-Request-ID": "r-1"})
        first = (log.request_id.get(), log.user_id.get())
        await client.get("/toys", headers={"X-Request-ID": "r-2"})
        second = (log.request_id.get(), log.user_id.get())

    assert first == ("r-1", BUYER_ID)
    assert second == ("r-2", "")


async def test_d35_an_exception_is_a_500_without_detail_and_a_line_with_all_of_it() -> None:
    shop = ToyShop()
    with capture_logs() as lines:
        async with shop.client() as client:
            response = await client.get("/crash")
            after = await client.get("/toys")

    assert error_of(response) == (500, "INTERNAL_ERROR", "failed to fetch toys")
    assert "hunter2" not in response.text
    assert after.status_code == 200
    (fault,) = [line for line in lines if line["log_level"] == "error"]
    assert fault["exc_info"] is True
    assert [line["status"] for line in completed(lines)] == [500, 200]


async def test_a_slow_request_is_answered_504_and_its_work_is_cancelled() -> None:
    shop = ToyShop(request_timeout_s=0.01)
    async with shop.client() as client:
        response = await client.get("/slow")

    assert error_of(response) == (504, "REQUEST_TIMEOUT", "request timed out")
    assert shop.toys.cancelled == 1


async def test_h31_work_in_the_database_ends_with_its_request_and_leaves_nothing(
    database: PostgresDatabase, owner: PostgresDatabase
) -> None:
    class Slow:
        async def save(self, _call: Call[None]) -> None:
            async with database.begin() as tx:
                await tx.execute(CATEGORY)
                await tx.execute("SELECT pg_sleep(60)")

    shop = ToyShop(
        rows=[row("POST", "/a", Slow.save, access=PUBLIC)],
        handlers=[Slow()],
        request_timeout_s=0.5,
    )
    async with shop.client() as client:
        response = await client.post("/a")

    assert error_of(response) == (504, "REQUEST_TIMEOUT", "request timed out")
    assert await owner.fetch(RUNNING) == []
    assert await owner.fetch("SELECT FROM categories WHERE name = 'half made'") == []


async def test_a_timeout_that_is_not_the_budget_is_an_ordinary_fault() -> None:
    class Careless:
        async def ask(self, _call: Call[None]) -> None:
            raise TimeoutError

    shop = ToyShop(rows=[row("GET", "/a", Careless.ask, access=PUBLIC)], handlers=[Careless()])
    async with shop.client() as client:
        response = await client.get("/a")

    assert response.status_code == 500


async def test_beyond_the_cap_requests_are_refused_at_once_but_probes_are_answered() -> None:
    shop = ToyShop(max_in_flight=2)
    async with shop.client() as client:
        running = [asyncio.create_task(client.get("/slow")) for _ in range(2)]
        await eventually(lambda: shop.toys.waiting == 2)
        refused = await client.get("/toys")
        probe = await client.get("/health")
        shop.toys.gate.set()
        answers = [await each for each in running]
        after = await client.get("/toys")

    assert error_of(refused) == (503, "SERVICE_UNAVAILABLE", "service unavailable")
    assert refused.headers["Retry-After"] == "1"
    assert [answer.status_code for answer in (probe, *answers, after)] == [200] * 4


async def test_h35_a_refusal_costs_neither_a_look_at_the_token_nor_a_byte_of_the_body() -> None:
    read = list[bytes]()

    async def body() -> AsyncIterator[bytes]:
        read.append(b"{}")
        yield b"{}"

    shop = ToyShop(max_in_flight=1)
    async with shop.client() as client:
        running = asyncio.create_task(client.get("/slow"))
        await eventually(lambda: shop.toys.waiting == 1)
        refused = await client.put(f"/toys/{TOY}", content=body(), headers=as_user("forged"))
        shop.toys.gate.set()
        await running

    assert refused.status_code == 503
    assert read == []
    assert shop.limiter.charged == {}


async def test_a_request_cut_off_by_the_end_of_the_process_still_gets_an_answer() -> None:
    shop = ToyShop()

    async def run() -> None:
        async with shop.client() as client:
            await client.get("/slow")

    task = asyncio.create_task(run())
    await eventually(lambda: shop.toys.waiting == 1)
    with capture_logs() as lines:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert [line["status"] for line in completed(lines)] == [503]


async def test_a_client_that_left_costs_one_line_and_no_error() -> None:
    class Left:
        async def ask(self, _call: Call[None]) -> None:
            raise ClientGone

    shop = ToyShop(rows=[row("GET", "/a", Left.ask, access=PUBLIC)], handlers=[Left()])
    with capture_logs() as lines:
        async with shop.client() as client:
            with pytest.raises(AssertionError):  # httpx finds that there is no answer
                await client.get("/a")

    assert [(line["log_level"], line["status"]) for line in lines] == [("info", CLIENT_GONE)]


async def test_the_client_behind_a_trusted_proxy_is_the_one_in_the_log() -> None:
    shop = ToyShop(trusted="10.0.0.0/8")
    with capture_logs() as lines:
        async with shop.client("10.0.0.1") as client:
            await client.get("/toys", headers={"X-Forwarded-For": "203.0.113.9"})

    assert [line["ip"] for line in completed(lines)] == ["203.0.113.9"]


async def test_control_characters_of_a_path_do_not_reach_the_log() -> None:
    with capture_logs() as lines:
        async with ToyShop().client() as client:
            await client.get(httpx.URL("http://shop/a%0Aforged%1B[31m"))

    assert [line["path"] for line in completed(lines)] == ["/a%0Aforged%1B[31m"]


def completed(lines: list[EventDict]) -> list[EventDict]:
    return [line for line in lines if line["event"] == "request completed"]
