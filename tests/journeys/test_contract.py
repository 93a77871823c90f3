"""Rows of the contract on a running shop: what it does other than the earlier service."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx
import pytest

from pasar.engines.valkey_login import ValkeyLogin
from tests.journeys.conftest import redis_variables
from tests.journeys.people import ADDRESS, PASSWORD, Person, newcomer, stall
from tests.journeys.shop import Shop

LAMP = {"name": "Lamp", "price": "10", "stock": 5}
UNKNOWN = "0190c7a2-0000-7000-8000-000000000001"


@pytest.fixture(scope="module")
def broker_variables(valkey: ValkeyLogin) -> Mapping[str, str]:
    """One broker is enough: nothing here depends on it."""
    return {"BROKER": "streams", **redis_variables(valkey)}


def told(answer: httpx.Response) -> tuple[int, list[dict[str, str]]]:
    return answer.status_code, answer.json()["errors"]


def invalid(message: str, field: str) -> tuple[int, list[dict[str, str]]]:
    return 400, [{"code": "VALIDATION_ERROR", "message": message, "field": field}]


async def test_d01_a_wrong_method_is_405_and_says_which_are_right(http: httpx.AsyncClient) -> None:
    refused = await http.patch("/api/v1/products")
    asked = await http.options("/api/v1/cart")

    assert refused.headers["Allow"] == "GET, HEAD, POST"
    assert (asked.status_code, asked.headers["Allow"]) == (405, "GET, HEAD")
    wrong = [{"code": "VALIDATION_ERROR", "message": "method not allowed"}]
    assert told(refused) == (405, wrong)


async def test_d08_d09_what_is_wrong_with_a_product_is_named(http: httpx.AsyncClient) -> None:
    shop = await stall(http)
    category, most = {"category_id": shop.category_id}, 2**31 - 1
    bounds = "must be between 0 and 2147483647"
    expected = {
        ("price", "1e400"): "invalid price",
        ("category_id", "x"): "invalid category_id",
        ("stock", -1): bounds,
        ("stock", most + 1): bounds,
    }
    lamp = await shop.offers("Lamp", "10", stock=most)
    for (field, value), sentence in expected.items():
        product = {**LAMP, **category, field: value}
        for method, path in (("POST", "/products"), ("PUT", f"/products/{lamp}")):
            assert told(await shop.seller.ask(method, path, product)) == invalid(sentence, field)

    line = {"product_id": "x", "quantity": 1}
    wanted = await (await newcomer(http)).ask("POST", "/cart/items", line)
    assert told(wanted) == invalid("invalid product_id", "product_id")


async def test_d14_texts_have_bounds_and_blanks_are_no_name(http: httpx.AsyncClient) -> None:
    ana = await newcomer(http)
    account = {"email": "a@example.com", "password": PASSWORD, "name": "A"}
    long, most = "a" * 256, "maximum 255 characters"
    refused: dict[tuple[str, str, str], tuple[Mapping[str, Any], str]] = {
        ("POST", "/auth/register", "name"): ({**account, "name": long}, most),
        ("POST", "/auth/register", "email"): (
            {**account, "email": f"{'a' * 250}@example.com"},
            most,
        ),
        ("POST", "/auth/register", "password"): (
            {**account, "password": "é" * 37},
            "maximum 72 bytes",
        ),
        ("POST", "/stores", "name"): ({"name": " \t"}, "is required"),
        ("POST", "/orders", "shipping_address"): ({"shipping_address": "\n "}, "is required"),
    }
    for (method, path, field), (body, sentence) in refused.items():
        assert told(await ana.ask(method, path, body)) == invalid(sentence, field)

    too_long = await http.post("/api/v1/auth/login", json={**account, "password": "a" * 73})
    assert told(too_long) == (
        401, [{"code": "UNAUTHORIZED", "message": "invalid email or password"}],
    )  # fmt: skip
    assert (
        await ana.ask("POST", "/stores", {"name": "é" * 255, "description": "b" * 2000})
    ).is_success


@pytest.mark.parametrize("name", ["has failed", "product not found", "internal error"])
async def test_d19_the_name_of_a_product_decides_no_status(
    http: httpx.AsyncClient, name: str
) -> None:
    shop, buyer = await stall(http), await newcomer(http)
    product = await shop.offers(name, "10", stock=2)
    await buyer.wants(product, 2)
    await shop.seller.must("PUT", f"/products/{product}", {"stock": 1})

    shortage = {"code": "VALIDATION_ERROR", "message": f"insufficient stock for product {name}"}
    assert told(await buyer.ask("POST", "/orders", ADDRESS)) == (400, [shortage])
    assert len((await buyer.must("GET", "/cart"))["items"]) == 1


async def test_d20_one_cart_makes_one_order(http: httpx.AsyncClient) -> None:
    shop, buyer = await stall(http), await newcomer(http)
    await buyer.wants(await shop.offers("Lamp", "10", stock=9))
    answers = await asyncio.gather(*(buyer.ask("POST", "/orders", ADDRESS) for _ in range(4)))

    refused = [told(answer) for answer in answers if answer.is_error]
    empty = {"code": "VALIDATION_ERROR", "message": "cart is empty"}
    assert refused == [(400, [empty])] * 3
    (order,) = await buyer.must("GET", "/orders")
    await buyer.sees(order["id"], "paid")


async def test_d24_a_cart_is_as_old_as_its_last_change(http: httpx.AsyncClient, shop: Shop) -> None:
    buyer = await newcomer(http)
    lamp = await (await stall(http)).offers("Lamp", "10", stock=9)

    async def changed() -> datetime:
        return datetime.fromisoformat((await buyer.must("GET", "/cart"))["updated_at"])

    async with shop.database() as database:
        row = await database.fetch_one("SELECT created_at FROM users WHERE email = $1", buyer.email)
    assert row is not None
    assert await changed() == row["created_at"]
    await buyer.wants(lamp)
    filled = await changed()
    order = await buyer.must("POST", "/orders", ADDRESS)

    assert row["created_at"] < filled < await changed()
    await buyer.sees(order["id"], "paid")


async def test_d34_a_body_is_one_value_with_exact_keys(http: httpx.AsyncClient) -> None:
    login = f'{{"email": "admin@example.com", "password": "{PASSWORD}"}}'
    trailing = await http.post("/api/v1/auth/login", content=login + " x")
    shouted = await http.post("/api/v1/auth/login", content=login.replace("email", "EMAIL"))

    unread = {"code": "VALIDATION_ERROR", "message": "invalid request body"}
    assert told(trailing) == (400, [unread])
    assert told(shouted) == invalid("is required", "email")


async def test_d57_an_order_is_made_only_at_the_total_that_was_seen(
    http: httpx.AsyncClient,
) -> None:
    buyer = await newcomer(http)
    await buyer.wants(await (await stall(http)).offers("Lamp", "10.50", stock=9), 2)
    seen = {**ADDRESS, "expected_total": "20"}
    changed = {
        "code": "CONFLICT", "message": "the total is now 21", "field": "expected_total",
    }  # fmt: skip

    assert told(await buyer.ask("POST", "/orders", seen)) == (409, [changed])
    order = await buyer.must("POST", "/orders", {**seen, "expected_total": "21.00"})
    assert (await buyer.sees(order["id"], "paid"))["total_amount"] == "21"


async def test_d58_the_added_routes_answer(http: httpx.AsyncClient) -> None:
    ana = await newcomer(http)
    login = {"email": ana.email, "password": PASSWORD}
    pair = await ana.must("POST", "/auth/login", login)
    out = await http.post("/api/v1/auth/logout", json={"refresh_token": pair["refresh_token"]})

    assert out.json()["data"] == {"message": "logged out"}
    assert (await ana.ask("POST", "/auth/logout-all")).status_code == 200
    assert (await http.get("/ready")).json()["data"]["status"] == "ready"
    assert (await http.get("/docs")).headers["Content-Type"] == "text/html; charset=utf-8"


async def test_h46_members_that_are_not_the_clients_have_no_effect(
    http: httpx.AsyncClient,
) -> None:
    """Twelve members in four bodies: whoever sends them gets what everybody gets."""
    mine = await stall(http)
    lamp = await mine.offers("Lamp", "10", stock=9)
    mask = {"id": UNKNOWN, "user_id": UNKNOWN, "created_at": "2000-01-01T00:00:00Z"}
    account = {"email": "mask@example.com", "password": PASSWORD, "name": "Mask"}
    rights = {"role": "admin", "is_admin": True, "token_version": 9, **mask}
    user = (await http.post("/api/v1/auth/register", json={**account, **rights})).json()["data"]
    buyer = await Person(http, account["email"]).logged_in()
    store = {"store_id": UNKNOWN, "image_url": "x.png", "deleted_at": None, **mask}
    product = await mine.seller.must(
        "POST", "/products", {**LAMP, "category_id": mine.category_id, **store}
    )
    priced = {"price": "0.01", "name": "Cheap", "subtotal": "0", **mask}
    cart = await buyer.must("POST", "/cart/items", {"product_id": lamp, "quantity": 1, **priced})
    paid = {"total_amount": "0.01", "status": "paid", "items": [], **mask}
    order = await buyer.must("POST", "/orders", {**ADDRESS, **paid})

    assert user["role"] == "buyer"
    assert (await buyer.ask("POST", "/categories", {"name": "Mask"})).status_code == 403
    own = (await http.get(f"/api/v1/products/{lamp}")).json()["data"]["store_id"]
    assert (product["store_id"], product["image_url"]) == (own, "")
    assert (cart["total"], cart["items"][0]["name"]) == ("10", "Lamp")
    assert (order["status"], order["total_amount"], len(order["items"])) == ("pending", "10", 1)
    made = (user, product, order)
    assert UNKNOWN not in {
        each[name] for each in made for name in ("id", "user_id") if name in each
    }
    assert not any(each["created_at"].startswith("2000") for each in made)
