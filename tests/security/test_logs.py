"""What reaches the logs: one line of JSON per event, and nobody's secret (contract D32, D54)."""

import re
from typing import Final
from uuid import uuid4

import httpx

from tests.fixtures.counts import Count
from tests.journeys.people import PASSWORD, Person, newcomer, stall
from tests.journeys.shop import Command, Shop
from tests.security.test_hostile_strings import a_few_at_once, asked_raw

REQUESTS: Final = 1000
FORGED: Final = '\r\n{"level":"info","message":"request completed","user_id":"forged"}'
LURES: Final = (
    FORGED, "\x1b[2K\x1b[31mred", "\u2028\u2029\x85", "\0\x08\x7f", '"}\n{"level": "info"}',
)  # fmt: skip
SECRETS: Final = re.compile(
    rf"""eyJ[\w-]+\.[\w-]+ | \$2[aby]\$ | \$argon2 | postgres(ql)?:// | redis://
    | {PASSWORD} | admin123 | hunter2 | secret\ of\ the\ journeys""",
    re.VERBOSE,
)
"""By shape (token, hash, DSN) and by name: the passwords and keys of this shop."""


async def test_h53_d54_a_thousand_requests_forge_no_line_and_leave_no_secret(
    http: httpx.AsyncClient, shop: Shop, count: Count
) -> None:
    ana, mine = await newcomer(http, "Ana"), await stall(http)
    lamp = await mine.offers("Lamp", "10", stock=1_000)
    asked = [attempt(number, http, ana, lamp) for number in range(REQUESTS)]
    await a_few_at_once(asked)
    for lure in LURES:
        await asked_raw(shop.store.port, f"{lure} hunter2".encode())
    order = await ana.buys(lamp)
    await ana.sees(order, "paid")

    for command in (shop.store, shop.payment):
        lines = command.lines()  # each is JSON, else this raises
        assert all({"level", "time", "message"} <= line.keys() for line in lines)
        assert not any(line.get("user_id") == "forged" for line in lines)
        assert found_in(command) == []
    count("requests whose log lines were read", REQUESTS)


async def attempt(number: int, http: httpx.AsyncClient, ana: Person, lamp: str) -> None:
    """Say something secret or forged at one of the places a client can write to."""
    lure, text = LURES[number % len(LURES)], f"hunter2 {uuid4().hex}"
    bearer = {"Authorization": f"Bearer {ana.token}"}
    body = {"email": f"{lure}{ana.email}", "password": f"{text}{lure}", "name": lure}
    match number % 8:
        case 0:
            await http.post("/api/v1/auth/login", json=body)
        case 1:
            await http.post("/api/v1/auth/register", json=body)
        case 2:
            await http.post("/api/v1/auth/refresh", json={"refresh_token": ana.token + lure})
        case 3:
            await http.get("/api/v1/products", params={"search": lure, "access_token": ana.token})
        case 4:
            await http.get(f"/api/v1/products/{lamp}", headers={**bearer, "Cookie": text})
        case 5:
            await http.put(f"/api/v1/cart/items/{lamp}{ana.token}", json=body, headers=bearer)
        case 6:
            await http.post("/api/v1/orders", content=f'{{"a": {text}', headers=bearer)
        case _:
            await http.get("/api/v1/cart", headers={"Authorization": f"Bearer {ana.token}x"})


def found_in(command: Command) -> list[str]:
    return [line for line in command.log.read_text().splitlines() if SECRETS.search(line)]
