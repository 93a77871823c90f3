"""The people of a journey: they speak HTTP to a running store service, as a client would."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

from tests.waiting import eventually

PASSWORD = "secret-pass-1"
ADDRESS = {"shipping_address": "Jl. Merdeka No. 1, Jakarta"}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account and an access token."""

    http: httpx.AsyncClient
    email: str
    token: str = ""

    async def ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, **headers: str
    ) -> httpx.Response:
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        return await self.http.request(method, f"/api/v1{path}", json=body, headers=headers)

    async def must(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Ask, insist on a 2xx, and return `data`."""
        answer = await self.ask(method, path, body)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()["data"]

    async def logged_in(self, password: str = PASSWORD) -> "Person":
        login = {"email": self.email, "password": password}
        pair = await Person(self.http, self.email).must("POST", "/auth/login", login)
        return Person(self.http, self.email, pair["access_token"])

    async def wants(self, product_id: str, quantity: int = 1) -> None:
        line = {"product_id": product_id, "quantity": quantity}
        await self.must("POST", "/cart/items", line)

    async def buys(self, product_id: str, quantity: int = 1) -> str:
        """Put one line into the cart, check out, and return the order's id."""
        await self.wants(product_id, quantity)
        order = await self.must("POST", "/orders", ADDRESS)
        return str(order["id"])

    async def order(self, order_id: str) -> Any:
        return await self.must("GET", f"/orders/{order_id}")

    async def sees(self, order_id: str, status: str, within_s: float = 10) -> Any:
        """Wait until the order has the status, and return it."""

        async def so() -> bool:
            return bool((await self.order(order_id))["status"] == status)

        await eventually(so, within_s=within_s, what=f"order {order_id} being {status}")
        return await self.order(order_id)


async def newcomer(http: httpx.AsyncClient, name: str = "Buyer") -> Person:
    """Register somebody new and log in."""
    person = Person(http, f"{name.lower()}-{uuid4().hex[:12]}@example.com")
    account = {"email": person.email, "password": PASSWORD, "name": name}
    await person.must("POST", "/auth/register", account)
    return await person.logged_in()


async def admin(http: httpx.AsyncClient) -> Person:
    return await Person(http, "admin@example.com").logged_in("admin123")


@dataclass(frozen=True, slots=True)
class Stall:
    """A seller with a store and a category to sell in."""

    seller: Person
    category_id: str

    async def offers(self, name: str, price: str, stock: int) -> str:
        """Put a product on sale and return its id."""
        product = {"name": name, "price": price, "stock": stock, "category_id": self.category_id}
        made = await self.seller.must("POST", "/products", product)
        return str(made["id"])


async def stall(http: httpx.AsyncClient) -> Stall:
    """Open a store; its owner logs in again, as the old token stays a buyer's (contract C6)."""
    category = await (await admin(http)).must("POST", "/categories", {"name": uuid4().hex})
    owner = await newcomer(http, "Seller")
    await owner.must("POST", "/stores", {"name": "Kopi Nusantara"})
    return Stall(await owner.logged_in(), category["id"])
