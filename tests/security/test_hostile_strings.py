"""Sixty hostile strings wherever a client may write: none is a fault, accepted ones come back."""

import asyncio
import json
import re
from collections.abc import Awaitable, Collection, Iterator, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx
import msgspec

from pasar.store_service.identity import Role
from pasar.store_service.routes import ROUTES
from pasar.store_service.web.examples import ID, example_of
from pasar.store_service.web.parse import PAGING
from pasar.store_service.web.route import Route
from tests.fixtures.counts import Count
from tests.journeys.people import PASSWORD, Person, admin, newcomer, stall
from tests.journeys.shop import Shop
from tests.security.strings import HOSTILE, kept

AT_ONCE: Final = 8
TEXTS: Final = {"name", "description", "comment", "shipping_address"}
USABLE_ID: Final = re.compile(r"[A-Za-z0-9\-_.:/+=@]{1,128}")  # contract D32


class Attack(NamedTuple):
    """One string at one place of one row's request; the rest is as it should be."""

    row: Route
    path: str
    body: Mapping[str, Any]
    text: str
    member: str = ""


def attacks(text: str, category_id: str) -> Iterator[Attack]:
    written = quote(text, safe="", errors="surrogatepass")
    for row in ROUTES:
        path = row.path.replace("{id}", str(ID))
        body = good_body(row, category_id)
        paged = row.method == "GET" and "Paged" in str(row.answer)
        for parameter in (*row.query, *(PAGING if paged else ())):
            yield Attack(row, f"{path}?{parameter.name}={written}", body, text)
        if row.path_id:
            yield Attack(row, row.path.replace("{id}", written), body, text)
        for member in body:
            yield Attack(row, path, {**body, member: text}, text, member)


def good_body(row: Route, category_id: str) -> dict[str, Any]:
    """Return a body that its rules accept, with names and addresses that nobody has."""
    if row.body is None:
        return {}
    example: dict[str, Any] = msgspec.to_builtins(example_of(row.body))
    unique = {"name": uuid4().hex, "email": f"{uuid4().hex}@example.com"}
    good = {**unique, "password": PASSWORD, "category_id": category_id}
    return {**example, **{name: good[name] for name in good if name in example}}


async def test_h48_no_string_at_any_place_is_a_fault_of_the_shop(
    http: httpx.AsyncClient, count: Count
) -> None:
    mine, chief = await stall(http), await admin(http)
    callers = {Role.ADMIN: chief, Role.SELLER: mine.seller, Role.BUYER: await newcomer(http)}

    async def made(attack: Attack) -> None:
        answer = await sent(attack, callers[attack.row.access.role or Role.BUYER])
        assert answer.status_code < 500, f"{attack}: {answer.text}"
        if answer.is_success and attack.member in TEXTS:
            assert answer.json()["data"][attack.member] == kept(attack.text), attack

    tried = [made(attack) for text in HOSTILE for attack in attacks(text, mine.category_id)]
    await a_few_at_once(tried)
    count("requests with a hostile string", len(tried))


async def a_few_at_once(work: Collection[Awaitable[None]]) -> None:
    room = asyncio.Semaphore(AT_ONCE)

    async def done(one: Awaitable[None]) -> None:
        async with room:
            await one

    await asyncio.gather(*map(done, work))


def sent(attack: Attack, caller: Person) -> Awaitable[httpx.Response]:
    return caller.http.request(
        attack.row.method,
        attack.path,
        content=json.dumps(attack.body) if attack.body else None,  # surrogates escaped
        headers={"Authorization": f"Bearer {caller.token}"},
    )


async def test_h48_every_string_comes_back_unchanged_from_every_place_that_keeps_it(
    http: httpx.AsyncClient, count: Count
) -> None:
    acceptable = [text for text in HOSTILE if "\0" not in text]
    chief = await admin(http)
    await a_few_at_once([sold_under(text, http, chief) for text in acceptable])
    count("strings kept unchanged in nine places", len(acceptable))


async def sold_under(text: str, http: httpx.AsyncClient, chief: Person) -> None:
    """Make a sale in which all texts are this one, and look at what is told of it."""
    owner, buyer = await named(text, http), await named(text, http)
    store = await told(owner, "POST", "/stores", {"name": text, "description": text})
    seller, suffix = await owner.logged_in(), uuid4().hex
    category = await told(chief, "POST", "/categories", {"name": text + suffix})
    offer = {"name": text, "description": text, "price": "10", "stock": 1}
    product = await told(seller, "POST", "/products", {**offer, "category_id": category["id"]})
    line = await told(buyer, "POST", "/cart/items", {"product_id": product["id"], "quantity": 1})
    order = await told(buyer, "POST", "/orders", {"shipping_address": text})
    await buyer.sees(order["id"], "paid")
    for status in ("processing", "shipping", "shipped"):
        await told(seller, "PUT", f"/orders/{order['id']}/status", {"status": status})
    path = f"/products/{product['id']}"
    await told(buyer, "POST", f"{path}/reviews", {"rating": 1, "comment": text})

    shown = await buyer.must("GET", f"/stores/{store['id']}")
    page = await buyer.must("GET", path)
    (review,) = await buyer.must("GET", f"{path}/reviews")
    search = f"store_id={store['id']}&search={quote(kept(text), safe='')}"
    assert {
        *(shown["name"], shown["description"], page["name"], page["description"]),
        *(category["name"].removesuffix(suffix), line["items"][0]["name"], review["comment"]),
        *(review["user_name"], (await buyer.order(order["id"]))["shipping_address"]),
    } == {kept(text)}
    assert await buyer.must("GET", f"/products?{search}") == [page]


async def named(name: str, http: httpx.AsyncClient) -> Person:
    person = Person(http, f"{uuid4().hex}@example.com")
    account = {"email": person.email, "password": PASSWORD, "name": name}
    await told(person, "POST", "/auth/register", account)
    return await person.logged_in()


async def told(person: Person, method: str, path: str, body: Mapping[str, Any]) -> Any:
    """As `must`, but any text can be said: unpaired surrogates travel as escapes."""
    bearer = {"Authorization": f"Bearer {person.token}"} if person.token else {}
    answer = await person.http.request(
        method, f"/api/v1{path}", content=json.dumps(body), headers=bearer
    )
    assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
    return answer.json()["data"]


async def test_d32_a_hostile_request_id_is_replaced(shop: Shop, count: Count) -> None:
    for text in HOSTILE:
        status, headers = await asked_raw(shop.store.port, text.encode("utf-8", "surrogatepass"))
        assert status in {200, 400}, ascii(text)
        value = text.partition("\r\n")[0]  # what follows is a header of its own
        answered = headers.get("x-request-id", "")
        if USABLE_ID.fullmatch(value):
            assert answered == value
        elif status == 200:
            assert str(UUID(answered)) == answered, ascii(text)
        assert "set-cookie" not in headers
    count("hostile request ids", len(HOSTILE))


async def asked_raw(port: int, request_id: bytes) -> tuple[int, dict[str, str]]:
    """Ask as no client library would: it refuses to write most of these headers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = b"GET /health HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nX-Request-ID: "
    writer.write(head + request_id + b"\r\n\r\n")
    async with asyncio.timeout(5):
        raw = await reader.read()
    writer.close()
    await writer.wait_closed()
    status, *lines = raw.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return int(status.split()[1]), {name.lower(): value.strip() for name, _, value in pairs}


def test_the_strings_are_sixty_different_ones() -> None:
    assert len(set(HOSTILE)) == 60
