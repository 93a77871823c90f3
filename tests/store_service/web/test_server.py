"""The edge on a real socket: what only uvicorn can get wrong, and how it ends."""

import asyncio
import json
import resource
import socket

import httpx
import pytest
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from pasar.store_service.web.docs import File
from pasar.store_service.web.envelope import begin_answer
from pasar.store_service.web.server import SPARE_FILES, ServerSettings, connections_allowed
from tests.store_service.web.serving import LIMITS, Running, request, running
from tests.store_service.web.toy import TOY, ToyShop
from tests.waiting import eventually


def client_of(server: Running) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}")


async def get(server: Running, path: str) -> httpx.Response:
    async with client_of(server) as client:
        return await client.get(path)


async def test_head_has_the_headers_of_get_and_no_body() -> None:
    async with running(ToyShop()) as server:
        got = await server.exchange(request("GET", f"/toys/{TOY}"))
        head = await server.exchange(request("HEAD", f"/toys/{TOY}"))

    got_head, _, body = got.partition(b"\r\n\r\n")
    head_head, _, nothing = head.partition(b"\r\n\r\n")
    assert head_head.splitlines()[0] == b"HTTP/1.1 200 OK"
    assert names(head_head) == names(got_head)
    assert f"content-length: {len(body)}".encode() in head_head
    assert nothing == b""


async def test_answers_without_a_body_of_their_own_and_files_in_pieces_share_a_connection() -> None:
    content = bytes(range(256)) * 1000
    shop = ToyShop(files={"/file": File(content, b"x")}, cors="*")
    preflight = {"Origin": "https://shop.example", "Access-Control-Request-Method": "PUT"}
    async with running(shop) as server, client_of(server) as client:
        first = await client.options("/toys", headers=preflight)
        file = await client.get("/file")
        nothing = await client.head("/file")
        last = await client.get("/toys")

    assert (first.status_code, first.content) == (204, b"")
    assert file.content == content
    assert nothing.headers["Content-Length"] == str(len(content))
    assert last.json()["data"] is not None


async def test_an_answer_that_breaks_off_ends_the_connection_and_is_logged_once() -> None:
    async def broken(scope: Scope, _receive: Receive, send: Send) -> None:
        await begin_answer(send, scope["exchange"], 200, [(b"content-length", b"10")])
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise OSError

    with capture_logs() as lines:
        async with running(ToyShop(files={"/broken": broken})) as server:
            answer = await server.exchange(request("GET", "/broken", ""))

    assert answer.endswith(b"\r\n\r\nhalf")
    assert [line["event"] for line in lines if line["log_level"] == "error"] == [
        "request failed",
        "answer broken off",
    ]


async def test_no_answer_tells_which_server_it_is() -> None:
    async with running(ToyShop()) as server:
        response = await get(server, "/toys")

    assert "Server" not in response.headers


async def test_a_chunked_body_is_cut_off_at_the_limit() -> None:
    """The client says no length and never ends: it is answered while it still writes."""
    async with running(ToyShop()) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"POST /toys HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n")
        writer.write(b"400\r\n" + b" " * 1024 + b"\r\n")
        status_line = await reader.readline()
        writer.close()
        await writer.wait_closed()

    assert status_line.startswith(b"HTTP/1.1 413 ")  # the phrase is the Python version's


@pytest.mark.parametrize(
    "raw", [b"nonsense\r\n\r\n", b"FOO /health HTTP/1.1\r\n\r\n", b"GET /\xff HTTP/1.1\r\n\r\n"]
)
async def test_what_is_no_http_is_answered_in_the_envelope(raw: bytes) -> None:
    async with running(ToyShop()) as server:
        answer = await server.exchange(raw)

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"x-content-type-options: nosniff" in head
    (error,) = json.loads(body)["errors"]
    assert (error["code"], error["message"]) == ("VALIDATION_ERROR", "invalid request")
    assert json.loads(body)["meta"]["request_id"].encode() in head


async def test_an_upgrade_that_nobody_offers_is_an_ordinary_request() -> None:
    upgrade = request("GET", "/unknown", "Connection: Upgrade, close\r\nUpgrade: websocket\r\n")
    async with running(ToyShop()) as server:
        answer = await server.exchange(upgrade)

    assert answer.startswith(b"HTTP/1.1 404 ")


async def test_at_the_end_running_requests_are_finished_and_new_ones_refused() -> None:
    shop = ToyShop(max_in_flight=50)
    async with running(shop) as server:
        asked = [asyncio.create_task(get(server, "/slow")) for _ in range(20)]
        await eventually(lambda: shop.toys.waiting == 20)
        server.stop.set()
        await eventually(lambda: refuses(server.port))
        shop.toys.gate.set()
        answers = [await each for each in asked]
        await server.ended

    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["Connection"] for answer in answers} == {"close"}


async def test_before_the_listener_closes_the_process_says_that_it_will() -> None:
    settings = ServerSettings(connection=LIMITS, drain_delay_s=0.5, shutdown_timeout_s=5)
    async with running(ToyShop(), settings) as server:
        await get(server, "/toys")
        told = asyncio.get_running_loop().time()
        server.stop.set()
        await server.drained.wait()
        during = await get(server, "/toys")
        await server.ended
        took = asyncio.get_running_loop().time() - told

    assert during.status_code == 200
    assert took >= settings.drain_delay_s
    assert refuses(server.port)


async def test_a_request_that_outlasts_the_grace_is_answered_503() -> None:
    shop = ToyShop()
    settings = ServerSettings(connection=LIMITS, drain_delay_s=0, shutdown_timeout_s=0.1)
    async with running(shop, settings) as server:
        asked = asyncio.create_task(get(server, "/slow"))
        await eventually(lambda: shop.toys.waiting == 1)
        server.stop.set()
        await server.ended
        answer = await asked

    assert answer.status_code == 503
    assert answer.json()["errors"][0]["code"] == "SERVICE_UNAVAILABLE"


def names(head: bytes) -> list[bytes]:
    return sorted(line.partition(b":")[0] for line in head.splitlines()[1:])


def refuses(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_h35_connections_leave_files_for_everything_else() -> None:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)

    assert connections_allowed(1) == 1
    assert connections_allowed(files * 2) == files - SPARE_FILES
