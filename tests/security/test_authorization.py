"""Who may do what: each row of the route table for each kind of caller (contract section 3)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from uuid import uuid4

import httpx
import msgspec
import pytest

from pasar.store_service.routes import ROUTES
from pasar.store_service.web.examples import example_of
from pasar.store_service.web.route import Route
from tests.fakes.images import picture
from tests.fixtures.counts import Count
from tests.journeys.people import PASSWORD, Person, admin, newcomer, stall

ACTORS: Final = ("anonymous", "buyer A", "buyer B", "seller A", "seller B", "admin")
"""All things belong to buyer A and seller A: an order, a cart, a store, products."""

EVERYBODY: Final = (200,) * 6
ADMIN: Final = (401, 403, 403, 403, 403, 200)
STORE_OWNER: Final = (401, 403, 403, 200, 403, 403)
ANY_BUYER: Final = (401, 200, 200, 403, 403, 403)
ORDER_OWNER: Final = (401, 200, 403, 403, 403, 403)
CART_OWNER: Final = (401, 200, 404, 403, 403, 403)  # there is no such line in the cart of B

# A table is read by the row, so the formatter leaves it alone.
# fmt: off
EXPECTED: Final[Mapping[str, tuple[int, ...]]] = {
    "GET /health": EVERYBODY,
    "GET /ready": EVERYBODY,
    "POST /auth/register": (201,) * 6,
    "POST /auth/login": EVERYBODY,
    "POST /auth/refresh": EVERYBODY,
    "POST /auth/logout": EVERYBODY,
    "POST /auth/logout-all": (401, 200, 200, 200, 200, 200),
    "POST /stores": (401, 201, 201, 403, 403, 403),
    "GET /stores/{id}": EVERYBODY,
    "PUT /stores/{id}": STORE_OWNER,
    "POST /stores/{id}/logo": STORE_OWNER,
    "POST /categories": (401, 403, 403, 403, 403, 201),
    "GET /categories": EVERYBODY,
    "PUT /categories/{id}": ADMIN,
    "DELETE /categories/{id}": ADMIN,
    "POST /products": (401, 403, 403, 201, 201, 403),
    "GET /products": EVERYBODY,
    "GET /products/{id}": EVERYBODY,
    "POST /products/{id}/reviews": (401, 201, 403, 403, 403, 403),  # B has bought nothing
    "GET /products/{id}/reviews": EVERYBODY,
    "PUT /products/{id}": STORE_OWNER,
    "DELETE /products/{id}": STORE_OWNER,
    "POST /products/{id}/image": STORE_OWNER,
    "GET /cart": ANY_BUYER,
    "POST /cart/items": ANY_BUYER,
    "PUT /cart/items/{id}": CART_OWNER,
    "DELETE /cart/items/{id}": CART_OWNER,
    "POST /orders": (401, 201, 400, 403, 403, 403),  # the cart of B is empty
    "GET /orders": ANY_BUYER,
    "GET /orders/{id}": ORDER_OWNER,
    "GET /orders/{id}/timeline": (401, 200, 403, 200, 403, 200),
    "PUT /orders/{id}/cancel": ORDER_OWNER,
    "GET /seller/orders": (401, 403, 403, 200, 200, 403),
    "PUT /orders/{id}/status": STORE_OWNER,
}
# fmt: on


@dataclass(frozen=True, slots=True)
class World:
    """The six callers, and what belongs to buyer A and seller A by name."""

    actors: Mapping[str, Person]
    ids: Mapping[str, str]

    @property
    def private(self) -> set[str]:
        """Return what must never stand in an answer to somebody else, except their own words."""
        owners = (self.actors["buyer A"], self.actors["seller A"])
        return {*self.ids.values(), *(owner.email for owner in owners)}

    async def body(self, row: Route) -> dict[str, Any] | None:
        """Return a body that the owner's request succeeds with."""
        if row.body is None:
            return None
        example: dict[str, Any] = msgspec.to_builtins(example_of(row.body))
        buyer = self.actors["buyer A"]
        session = {"email": buyer.email, "password": PASSWORD}
        told = {
            "email": buyer.email if row.path.endswith("login") else f"{uuid4().hex}@example.com",
            "password": PASSWORD,
            "name": uuid4().hex,
            "category_id": self.ids["category"],
            "product_id": self.ids["product"],
            "quantity": 1,
            "rating": 5,
            "status": "processing",
        }
        if "refresh_token" in example:
            pair = await buyer.must("POST", "/auth/login", session)
            told["refresh_token"] = pair["refresh_token"]
        example.pop("expected_total", None)
        return {**example, **{name: told[name] for name in told if name in example}}


async def world(http: httpx.AsyncClient) -> World:
    mine, other = await stall(http), await stall(http)
    ana, ben, chief = await newcomer(http, "Ana"), await newcomer(http, "Ben"), await admin(http)
    lamp = await mine.offers("Lamp", "10", stock=9)
    received = await ana.buys(lamp)
    await ana.sees(received, "paid")
    for status in ("processing", "shipping", "shipped"):
        await mine.seller.must("PUT", f"/orders/{received}/status", {"status": status})
    order = await ana.buys(lamp)
    owner = (await ana.sees(order, "paid"))["user_id"]
    await ana.wants(lamp)
    unused = await chief.must("POST", "/categories", {"name": uuid4().hex})
    page = await ana.must("GET", f"/products/{lamp}")
    callers = (Person(http, ""), ana, ben, mine.seller, other.seller, chief)
    return World(
        dict(zip(ACTORS, callers, strict=True)),
        {
            "order": order,
            "received": received,
            "product": lamp,
            "store": page["store_id"],
            "category": mine.category_id,
            "unused category": unused["id"],
            "buyer": owner,
        },
    )


class Asked(NamedTuple):
    answer: httpx.Response
    own_words: str


def short(row: Route) -> str:
    return f"{row.method} {row.path.removeprefix('/api/v1')}"


@pytest.mark.parametrize("row", ROUTES, ids=short)
async def test_h47_a_row_answers_each_kind_of_caller_as_the_contract_says(
    row: Route, http: httpx.AsyncClient, count: Count
) -> None:
    there = await world(http)
    owners_last = sorted(ACTORS, key=lambda actor: actor.endswith("A"))
    cells = {actor: await asked(row, there, actor) for actor in owners_last}

    statuses = tuple(cells[actor].answer.status_code for actor in ACTORS)
    assert statuses == EXPECTED[short(row)]
    for actor, (answer, own_words) in cells.items():
        if answer.is_error or (row.private and not actor.endswith("A")):
            assert foreign(answer.text, own_words, there.private) == set(), actor
    count("cells of the authorization matrix", len(cells))


def test_the_table_of_expectations_has_no_row_too_many() -> None:
    assert set(EXPECTED) == {short(row) for row in ROUTES}


async def asked(row: Route, there: World, actor: str) -> Asked:
    thing = "unused category" if row.path_id == "category" else row.path_id
    path = row.path.replace("{id}", there.ids[thing] if thing else "")
    caller, body = there.actors[actor], await there.body(row)
    answer = await caller.http.request(
        row.method,
        path,
        json=body,
        files={row.upload: ("picture.png", picture())} if row.upload else None,
        headers={"Authorization": f"Bearer {caller.token}"} if caller.token else {},
    )
    return Asked(answer, own_words=f"{path} {body}")


def foreign(text: str, own_words: str, private: Collection[str]) -> set[str]:
    """Return what the text tells of A that the caller had not said himself."""
    return {word for word in private if word in text and word not in own_words}


def test_a_leak_is_found_unless_the_caller_said_it_himself() -> None:
    assert foreign("of-a of-b of-c", "/orders/of-a", {"of-a", "of-b", "of-d"}) == {"of-b"}
