"""The header Idempotency-Key at the edge: which rows take it, and what its answers look like."""

from http import HTTPStatus
from uuid import UUID

import pytest

from pasar.store_service.routes import ROUTES
from pasar.store_service.web.route import BUYER
from tests.store_service.web.toy import ToyBody, ToyHandler, ToyShop, as_user, error_of, row

ROWS = (
    row("POST", "/toys", ToyHandler.add, access=BUYER, body=ToyBody, status=HTTPStatus.CREATED),
    row(
        "POST",
        "/toys/{id}/parts",
        ToyHandler.add,
        access=BUYER,
        path_id="toy",
        body=ToyBody,
        status=HTTPStatus.CREATED,
    ),
    row("PUT", "/toys/{id}", ToyHandler.add, access=BUYER, path_id="toy", body=ToyBody),
)
TOP = {"name": "top", "pieces": 1}


@pytest.fixture
def shop() -> ToyShop:
    return ToyShop(rows=ROWS)


def keyed(key: str = "key-1") -> dict[str, str]:
    return as_user("buyer") | {"Idempotency-Key": key}


async def test_d57_whatever_creates_under_a_token_takes_a_key() -> None:
    assert [f"{each.method} {each.path}" for each in ROUTES if each.keyed] == [
        "POST /api/v1/stores",
        "POST /api/v1/categories",
        "POST /api/v1/products",
        "POST /api/v1/products/{id}/reviews",
        "POST /api/v1/orders",
    ]


async def test_d57_a_repeat_is_answered_alike_and_says_so(shop: ToyShop) -> None:
    async with shop.client() as client:
        first = await client.post("/toys", json=TOP, headers=keyed())
        again = await client.post("/toys", json=TOP, headers=keyed())

    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert (again.status_code, again.json()["data"]) == (201, first.json()["data"])
    assert again.json()["meta"]["request_id"] == again.headers["x-request-id"]
    assert len(shop.toys.calls) == 1


async def test_d57_without_a_key_every_request_is_a_new_one(shop: ToyShop) -> None:
    async with shop.client() as client:
        for _ in range(2):
            await client.post("/toys", json=TOP, headers=as_user("buyer"))

    assert len(shop.toys.calls) == 2


async def test_d57_another_body_under_the_same_key_is_refused(shop: ToyShop) -> None:
    async with shop.client() as client:
        await client.post("/toys", json=TOP, headers=keyed())
        other = await client.post("/toys", json={**TOP, "pieces": 2}, headers=keyed())

    message = "this key was used with another request"
    assert error_of(other) == (422, "IDEMPOTENCY_KEY_REUSED", message)


async def test_d57_bodies_are_compared_by_what_they_mean(shop: ToyShop) -> None:
    async with shop.client() as client:
        for text in ('{"name":"top","pieces":1}', '{"pieces": 1, "x": 0, "name": "t\\u006fp"}'):
            answer = await client.post("/toys", content=text, headers=keyed())

    assert answer.headers["idempotency-replayed"] == "true"


async def test_d57_another_thing_in_the_path_is_another_request(shop: ToyShop) -> None:
    async with shop.client() as client:
        one = await client.post(f"/toys/{UUID(int=1)}/parts", json=TOP, headers=keyed())
        other = await client.post(f"/toys/{UUID(int=2)}/parts", json=TOP, headers=keyed())

    assert (one.status_code, other.status_code) == (201, 422)


@pytest.mark.parametrize("key", ["", " ", "a b", "k" * 256, "ключ", "\x7f"])
async def test_d57_an_unusable_key_is_named(shop: ToyShop, key: str) -> None:
    headers = {b"Authorization": b"Bearer buyer", b"Idempotency-Key": key.encode()}
    async with shop.client() as client:
        answer = await client.post("/toys", json=TOP, headers=headers)

    assert answer.status_code == 400
    assert answer.json()["errors"] == [
        {
            "code": "VALIDATION_ERROR",
            "field": "Idempotency-Key",
            "message": "must be 1 to 255 visible ASCII characters",
        }
    ]
    assert shop.toys.calls == []


async def test_d57_the_longest_key_is_usable(shop: ToyShop) -> None:
    async with shop.client() as client:
        answer = await client.post("/toys", json=TOP, headers=keyed("~" * 255))

    assert answer.status_code == 201


async def test_d57_a_row_that_creates_nothing_does_not_look_at_keys(shop: ToyShop) -> None:
    async with shop.client() as client:
        answer = await client.put(f"/toys/{UUID(int=1)}", json=TOP, headers=keyed("a b"))

    assert answer.status_code == 200


async def test_d57_a_wrong_body_is_refused_before_its_key_is_looked_at(shop: ToyShop) -> None:
    async with shop.client() as client:
        await client.post("/toys", json=TOP, headers=keyed())
        answer = await client.post("/toys", json={"name": ""}, headers=keyed())

    assert answer.status_code == 400
