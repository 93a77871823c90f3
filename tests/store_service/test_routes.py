"""The table of routes, row by row: what every row must say, and answer, whatever its feature."""

import sys
from collections.abc import Sequence
from typing import Final

import httpx
import msgspec
import pytest
from structlog.testing import capture_logs

from pasar.store_service.identity import Role
from pasar.store_service.routes import ROUTES
from pasar.store_service.web.examples import example_of
from pasar.store_service.web.middleware import SECURITY_HEADERS
from pasar.store_service.web.route import PUBLIC, Route
from tests.fixtures.counts import Count
from tests.store_service.web.toy import ToyShop, as_user

ID: Final = "0190c7a2-0000-7000-8000-000000000001"

FAULTS: Final = {  # contract 6.3: the texts of unexpected storage faults
    "POST /auth/register": "failed to create user",
    "POST /stores": "failed to create store",
    "PUT /stores/{id}": "failed to update store",
    "POST /stores/{id}/logo": "failed to update store logo",
    "POST /categories": "failed to create category",
    "GET /categories": "failed to fetch categories",
    "PUT /categories/{id}": "failed to update category",
    "DELETE /categories/{id}": "failed to delete category",
    "POST /products": "failed to create product",
    "GET /products": "failed to fetch products",
    "PUT /products/{id}": "failed to update product",
    "DELETE /products/{id}": "failed to delete product",
    "POST /products/{id}/image": "failed to update product image",
    "POST /products/{id}/reviews": "failed to create review",
    "GET /products/{id}/reviews": "failed to fetch reviews",
    "GET /cart": "failed to fetch cart",
    "POST /cart/items": "failed to save cart",
    "PUT /cart/items/{id}": "failed to save cart",
    "DELETE /cart/items/{id}": "failed to save cart",
    "POST /orders": "failed to process checkout",
    "GET /orders": "failed to fetch orders",
    "PUT /orders/{id}/cancel": "failed to cancel order",
    "GET /seller/orders": "failed to fetch orders",
    "PUT /orders/{id}/status": "failed to update order status",
}
NEUTRAL: Final = "internal server error"
PRIVATE: Final = ("/auth/", "/cart", "/orders", "/seller/orders")


def short(row: Route) -> str:
    return f"{row.method} {row.path.removeprefix('/api/v1')}"


every_row = pytest.mark.parametrize("row", ROUTES, ids=short)


@every_row
def test_a_row_tells_of_an_unforeseen_fault_in_the_words_of_the_contract(row: Route) -> None:
    assert row.fault == FAULTS.get(short(row), NEUTRAL)


@every_row
def test_d53_answers_about_accounts_carts_and_orders_are_not_stored(row: Route) -> None:
    path = row.path.removeprefix("/api/v1")

    assert row.private == path.startswith(PRIVATE)


@every_row
async def test_h54_whatever_a_row_answers_bears_the_headers_and_is_described(
    row: Route, count: Count
) -> None:
    with capture_logs():  # ten crashes a row, each with its whole trace
        answers = await every_refusal(row)

    statuses = [answer.status_code for answer in answers]
    assert statuses == expected_statuses(row)
    for answer in answers:
        for name, value in SECURITY_HEADERS:
            assert answer.headers.get_list(name.decode()) == [value.decode()]
        assert answer.headers["X-Request-ID"] == answer.json()["meta"]["request_id"]
        assert (answer.headers.get("Cache-Control") == "no-store") == row.private
        assert "Server" not in answer.headers
        assert "Traceback" not in answer.text
    count("refusals and faults whose headers were swept", len(answers))


def expected_statuses(row: Route) -> list[int]:
    return [
        *([401, 401] if row.access != PUBLIC else []),
        *([403] if row.access.role else []),
        *([400] if row.path_id else []),
        *([400, 413] if row.body else []),
        *([] if row.upload else [500]),
        *([429] if row.limits else []),
    ]


async def every_refusal(row: Route) -> list[httpx.Response]:
    """Provoke all that needs no engine: the handlers have no service, so that each fails."""
    shop = ToyShop(rows=ROUTES, handlers=handlers(ROUTES), login=9, public=9, auth=9)
    path = row.path.replace("{id}", ID)
    role = row.access.role
    right = as_user(role or Role.BUYER)
    wrong = as_user(Role.ADMIN if role is Role.BUYER else Role.BUYER)
    async with shop.client() as client:
        answers: list[httpx.Response] = []

        async def ask(path: str, headers: dict[str, str], content: bytes = b"") -> None:
            answers.append(await client.request(row.method, path, headers=headers, content=content))

        if row.access != PUBLIC:
            await ask(path, {})
            await ask(path, as_user("forged"))
        if role:
            await ask(path, wrong)
        if row.path_id:
            await ask(row.path.replace("{id}", "x"), right)
        if row.body:
            await ask(path, right, b"garbage")
            await ask(path, right, b" " * 2000)
        if not row.upload:
            await ask(path, right, acceptable(row))
        for _ in range(10 if row.limits else 0):
            answer = await client.request(row.method, path, headers=right)
        if row.limits:
            answers.append(answer)
    return answers


def acceptable(row: Route) -> bytes:
    """Return the example of the row's body, which its description shows."""
    return b"" if row.body is None else msgspec.json.encode(example_of(row.body))


def handlers(rows: Sequence[Route]) -> list[object]:
    """Return one handler of each class, without the service that it would ask."""
    classes = {(row.handler.__module__, row.handler.__qualname__.partition(".")[0]) for row in rows}
    return [object.__new__(getattr(sys.modules[module], name)) for module, name in classes]
