"""What a request is checked for, and in which order (contract 1.6), seen from outside."""

import httpx
import pytest
from structlog.testing import capture_logs

from pasar.store_service.identity import Role
from pasar.store_service.web.pipeline import bind
from pasar.store_service.web.route import PUBLIC, Call
from tests.store_service.web.toy import (
    BUYER_ID,
    ROWS,
    TOY,
    ToyBody,
    ToyHandler,
    ToyShop,
    as_user,
    error_of,
    row,
)

GOOD = {"name": "top", "pieces": 1}
MIB = 2**20
REFUSED_BODY = (400, "VALIDATION_ERROR", "invalid request body")


async def test_a_handler_gets_the_checked_call() -> None:
    shop = ToyShop()
    async with shop.client() as client:
        response = await client.put(
            f"/toys/{str(TOY).upper()}?a=1&a=2", json=GOOD, headers=as_user("buyer")
        )

    (call,) = shop.toys.calls
    assert response.status_code == 200
    assert call.body == ToyBody("top", 1)
    assert call.id == TOY
    assert call.query == {"a": "1"}
    assert (str(call.caller.user_id), call.caller.role) == (BUYER_ID, Role.BUYER)
    assert call.caller.email == "a@example.com"


async def test_a_row_says_the_status_of_success() -> None:
    async with ToyShop().client() as client:
        response = await client.post("/toys", json=GOOD)

    assert response.status_code == 201
    assert response.json()["data"] == {"id": str(TOY), "name": "top"}


@pytest.mark.parametrize(
    ("token", "path", "body", "expected"),
    [
        (None, "/toys/x", b"garbage", (401, "UNAUTHORIZED", "missing authorization header")),
        ("admin", "/toys/x", b"garbage", (403, "FORBIDDEN", "insufficient permissions")),
        ("nobody", "/toys/x", b"garbage", (401, "UNAUTHORIZED", "invalid user")),
        ("buyer", "/toys/x", b"garbage", (400, "VALIDATION_ERROR", "invalid toy id")),
        ("buyer", f"/toys/{TOY}", b"garbage", REFUSED_BODY),
        ("buyer", f"/toys/{TOY}", b'{"name":"","pieces":"x"}', REFUSED_BODY),
    ],
)
async def test_the_first_failing_check_answers(
    token: str | None, path: str, body: bytes, expected: tuple[int, str, str]
) -> None:
    shop = ToyShop()
    async with shop.client() as client:
        response = await client.put(path, content=body, headers=as_user(token) if token else {})

    assert error_of(response) == expected
    assert shop.toys.calls == []


async def test_the_limiter_is_asked_after_the_role_and_before_the_id() -> None:
    shop = ToyShop(auth=1)
    async with shop.client() as client:
        for token in ("", "admin"):
            await client.put("/toys/x", headers=as_user(token))
        charged_by_refused = dict(shop.limiter.charged)
        first = await client.put("/toys/x", headers=as_user("nobody"))
        second = await client.put("/toys/x", headers=as_user("nobody"))

    assert charged_by_refused == {}
    assert error_of(first) == (401, "UNAUTHORIZED", "invalid user")
    assert error_of(second) == (429, "RATE_LIMITED", "rate limit exceeded")


async def test_all_field_faults_come_at_once_in_their_order() -> None:
    async with ToyShop().client() as client:
        response = await client.post("/toys", content=b'{"comment":"a\\u0000b"}')

    assert response.status_code == 400
    assert response.json()["errors"] == [
        {"code": "VALIDATION_ERROR", "field": "name", "message": "is required"},
        {"code": "VALIDATION_ERROR", "field": "pieces", "message": "must be greater than 0"},
        {
            "code": "VALIDATION_ERROR",
            "field": "comment",
            "message": "contains invalid characters",
        },
    ]


async def test_null_as_the_whole_body_meets_the_field_rules() -> None:
    async with ToyShop().client() as client:
        response = await client.post("/toys", content=b"null")

    assert [error["field"] for error in response.json()["errors"]] == ["name", "pieces"]


async def test_the_content_type_of_a_request_is_not_looked_at() -> None:
    headers = {"Content-Type": "text/plain"}
    async with ToyShop().client() as client:
        response = await client.post("/toys", content=b'{"name":"a","pieces":1}', headers=headers)

    assert response.status_code == 201


async def test_a_body_above_the_limit_is_413() -> None:
    async with ToyShop().client() as client:
        response = await client.post("/toys", content=b'{"name":"' + b"a" * 1000)

    assert error_of(response) == (413, "VALIDATION_ERROR", "request body too large")


@pytest.mark.parametrize(
    "path", ["/", "/toy", "/toys/", f"/toys/{TOY}/", f"/toys/{TOY}/x", "/health/", "/health%0A"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
async def test_an_unknown_path_is_404_with_any_method(method: str, path: str) -> None:
    shop = ToyShop()
    async with shop.client() as client:
        response = await client.request(method, path)

    assert error_of(response) == (404, "NOT_FOUND", "not found")
    assert shop.limiter.charged == {}


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", f"/toys/{TOY}", "DELETE, GET, HEAD, PUT"),
        ("OPTIONS", "/toys/not-an-id", "DELETE, GET, HEAD, PUT"),
        ("DELETE", "/toys", "GET, HEAD, POST"),
        ("HEAD", "/renewals", "POST"),
        ("PATCH", "/health", "GET, HEAD"),
    ],
)
async def test_a_wrong_method_on_a_known_path_is_405_with_all_that_are_right(
    method: str, path: str, allow: str
) -> None:
    async with ToyShop().client() as client:
        response = await client.request(method, path)

    assert response.status_code == 405
    assert response.headers["Allow"] == allow
    if method != "HEAD":
        assert error_of(response) == (405, "VALIDATION_ERROR", "method not allowed")


async def test_get_routes_answer_head() -> None:
    async with ToyShop().client() as client:
        got = await client.get(f"/toys/{TOY}")
        head = await client.head(f"/toys/{TOY}")

    assert (head.status_code, head.content) == (200, b"")
    assert _names(head) == _names(got)
    assert head.headers["Content-Length"] == got.headers["Content-Length"]


def _names(response: httpx.Response) -> set[str]:
    return set(response.headers)


def test_a_row_without_an_instance_of_its_class_stops_the_start() -> None:
    with pytest.raises(LookupError, match="GET /health"):
        bind(ROWS[0], [object()])


def test_two_rows_for_one_method_and_path_stop_the_start() -> None:
    twice = [row("GET", "/a", ToyHandler.show, access=PUBLIC)] * 2

    with pytest.raises(ValueError, match="GET /a has two rows"):
        ToyShop(rows=twice)


@pytest.mark.parametrize(("path", "thing"), [("/a/{id}", None), ("/a", "toy")])
def test_a_row_whose_path_and_id_disagree_stops_the_start(path: str, thing: str | None) -> None:
    with pytest.raises(ValueError, match="its id"):
        ToyShop(rows=[row("GET", path, ToyHandler.show, access=PUBLIC, path_id=thing)])


async def test_a_path_without_parameters_comes_before_one_with() -> None:
    rows = [
        row("GET", "/toys/{id}", ToyHandler.show, access=PUBLIC, path_id="toy"),
        row("GET", "/toys/best", ToyHandler.cached, access=PUBLIC),
    ]
    async with ToyShop(rows=rows).client() as client:
        assert (await client.get("/toys/best")).status_code == 200


async def test_d15_a_nul_in_a_text_of_the_query_is_refused_and_names_it() -> None:
    shop = ToyShop()
    async with shop.client() as client:
        refused = await client.get("/toys?search=a%00b")
        ignored = await client.get("/toys?page=%00&per_page=1%00&unknown=%00")

    assert refused.status_code == 400
    assert refused.json()["errors"] == [
        {
            "code": "VALIDATION_ERROR",
            "field": "search",
            "message": "contains invalid characters",
        }
    ]
    assert ignored.status_code == 200
    assert len(shop.toys.calls) == 1


async def test_a_fault_that_nobody_foresaw_is_told_in_the_words_of_its_row() -> None:
    class Storage:
        async def save(self, _call: Call[None]) -> None:
            raise OSError("/var/lib/secret: no space left")

        async def other(self, _call: Call[None]) -> None:
            raise OSError("/var/lib/secret: no space left")

    rows = [
        row("PUT", "/a", Storage.save, access=PUBLIC, fault="failed to update toy"),
        row("PUT", "/b", Storage.other, access=PUBLIC),
    ]
    with capture_logs():
        async with ToyShop(rows=rows, handlers=[Storage()]).client() as client:
            told = await client.put("/a")
            neutral = await client.put("/b")

    assert error_of(told) == (500, "INTERNAL_ERROR", "failed to update toy")
    assert error_of(neutral) == (500, "INTERNAL_ERROR", "internal server error")


async def test_h36_a_body_that_nests_too_deep_is_no_body() -> None:
    deep = b'{"name":"top","pieces":1,"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    flat = b'{"name":"top","pieces":1,"x":' + b"[" * 19 + b"]" * 19 + b"}"
    async with ToyShop(max_body=MIB).client() as client:
        refused = await client.post("/toys", content=deep)
        taken = await client.post("/toys", content=flat)

    assert error_of(refused) == REFUSED_BODY
    assert taken.status_code == 201
