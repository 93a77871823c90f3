"""The shop does what the reference does, whatever several people do with it one after another."""

import time
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import httpx
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.fixtures.counts import Count
from tests.fixtures.engines import run
from tests.journeys.people import ADDRESS, PASSWORD
from tests.journeys.shop import Shop
from tests.model.reference import WAY, Product, Reference
from tests.waiting import eventually

EXAMPLES: Final = 30
STEPS: Final = 40
PAID_S: Final = 10

one = st.integers(0, 11)  # which, counted round those there are
prices = st.integers(1, 50)
stocks = st.integers(0, 9)
quantities = st.integers(1, 3)


@dataclass(slots=True)
class Desk:
    """Speaks HTTP for everybody, and counts."""

    http: httpx.Client
    requests: int = 0

    def ask(self, token: str, method: str, path: str, body: object = None) -> httpx.Response:
        self.requests += 1
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        answer = self.http.request(method, f"/api/v1{path}", json=body, headers=bearer)
        assert answer.status_code < 500, answer.text
        return answer

    def told(self, token: str, method: str, path: str, body: object = None) -> Any:
        answer = self.ask(token, method, path, body)
        assert answer.is_success, answer.text
        return answer.json()["data"]

    def newcomer(self) -> tuple[str, str]:
        """Register somebody and return e-mail and token."""
        email = f"{uuid4().hex}@example.com"
        account = {"email": email, "password": PASSWORD, "name": "Somebody"}
        self.told("", "POST", "/auth/register", account)
        return email, self.login(email)

    def login(self, email: str, password: str = PASSWORD) -> str:
        login = {"email": email, "password": password}
        return str(self.told("", "POST", "/auth/login", login)["access_token"])

    def seller(self) -> str:
        email, token = self.newcomer()
        self.told(token, "POST", "/stores", {"name": "Kopi"})
        return self.login(email)


class Shopping(RuleBasedStateMachine):
    """People are their tokens. An order is unpaid in the model until somebody waits for it."""

    def __init__(self, desk: Desk, sellers: tuple[str, ...], category_id: str) -> None:
        super().__init__()
        self.desk = desk
        self.sellers = sellers
        self.category_id = category_id
        self.model = Reference()

    @initialize(price=prices)
    def open(self, price: int) -> None:
        for seller in range(len(self.sellers)):
            self.offer(seller, price, 4)
        self.register()

    @rule(which=one, price=prices, stock=stocks)
    def offer(self, which: int, price: int, stock: int) -> None:
        seller = self.sellers[which % len(self.sellers)]
        product = {"name": "Lamp", "price": str(price), "stock": stock}
        made = {**product, "category_id": self.category_id}
        product_id = self.desk.told(seller, "POST", "/products", made)["id"]
        self.model.products[product_id] = Product(seller, price, stock)

    @precondition(lambda self: len(self.model.carts) < 3)
    @rule()
    def register(self) -> None:
        _, token = self.desk.newcomer()
        self.model.carts[token] = {}

    @rule(who=one, what=one, price=prices, stock=stocks)
    def edit(self, who: int, what: int, price: int, stock: int) -> None:
        seller, product = self._seller(who), self._product(what)
        body = {"price": str(price), "stock": stock}
        answer = self.desk.ask(seller, "PUT", f"/products/{product}", body)
        assert answer.status_code == self.model.edit(seller, product, price, stock)

    @precondition(lambda self: len(self.model.products) > 2)
    @rule(who=one, what=one)
    def delete(self, who: int, what: int) -> None:
        seller, product = self._seller(who), self._product(what)
        answer = self.desk.ask(seller, "DELETE", f"/products/{product}")
        assert answer.status_code == self.model.delete(seller, product)

    @rule(who=one, what=one, quantity=quantities)
    def add(self, who: int, what: int, quantity: int) -> None:
        buyer, product = self._buyer(who), self._product(what)
        line = {"product_id": product, "quantity": quantity}
        answer = self.desk.ask(buyer, "POST", "/cart/items", line)
        assert answer.status_code == self.model.add(buyer, product, quantity)

    @rule(who=one, what=one, quantity=quantities)
    def change(self, who: int, what: int, quantity: int) -> None:
        buyer, product = self._buyer(who), self._product(what)
        answer = self.desk.ask(buyer, "PUT", f"/cart/items/{product}", {"quantity": quantity})
        assert answer.status_code == self.model.change(buyer, product, quantity)

    @rule(who=one, what=one)
    def remove(self, who: int, what: int) -> None:
        buyer, product = self._buyer(who), self._product(what)
        answer = self.desk.ask(buyer, "DELETE", f"/cart/items/{product}")
        assert answer.status_code == self.model.remove(buyer, product)

    @rule(who=one)
    def checkout(self, who: int) -> None:
        buyer = self._buyer(who)
        answer = self.desk.ask(buyer, "POST", "/orders", ADDRESS)
        status, order = self.model.checkout(buyer)
        assert answer.status_code == status, answer.text
        if order is not None:
            self.model.orders[answer.json()["data"]["id"]] = order

    @rule(who=one, what=one, also=one)
    def buy(self, who: int, what: int, also: int) -> None:
        """Several rules in a row: by themselves they seldom come together."""
        self.add(who, what, 1)
        self.add(who, also, 1)
        self.checkout(who)

    @precondition(lambda self: self.model.orders)
    @rule(who=one, what=one)
    def cancel(self, who: int, what: int) -> None:
        buyer, order = self._buyer(who), self._order(what)
        answer = self.desk.ask(buyer, "PUT", f"/orders/{order}/cancel")
        assert answer.status_code == self.model.cancel(buyer, order)

    @precondition(lambda self: self.model.orders)
    @rule(who=one, what=one, wanted=st.sampled_from((*WAY, "cancelled")))
    def move(self, who: int, what: int, wanted: str) -> None:
        seller, order = self._seller(who), self._order(what)
        self._wait_for_payment(order)
        answer = self.desk.ask(seller, "PUT", f"/orders/{order}/status", {"status": wanted})
        assert answer.status_code == self.model.move(seller, order, wanted)

    @precondition(lambda self: self.model.orders)
    @rule(who=one, what=one)
    def ship_and_review(self, who: int, what: int) -> None:
        for wanted in ("processing", "shipping", "shipped"):
            for seller in range(len(self.sellers)):
                self.move(seller, what, wanted)
        for product in range(len(self.model.products)):
            self.review(who, product)

    @rule(who=one, what=one)
    def review(self, who: int, what: int) -> None:
        buyer, product = self._buyer(who), self._product(what)
        answer = self.desk.ask(buyer, "POST", f"/products/{product}/reviews", {"rating": 4})
        assert answer.status_code == self.model.review(buyer, product)

    def teardown(self) -> None:
        """Compare everything that anybody can see."""
        for order_id in self.model.orders:
            self._wait_for_payment(order_id)
        for product_id, product in self.model.products.items():
            answer = self.desk.ask("", "GET", f"/products/{product_id}")
            seen = answer.json().get("data", {})
            assert (answer.status_code == 404) == product.deleted
            if not product.deleted:
                assert (seen["price"], seen["stock"]) == (str(product.price), product.stock)
        for buyer, cart in self.model.carts.items():
            seen = self.desk.told(buyer, "GET", "/cart")
            assert {line["product_id"]: line["quantity"] for line in seen["items"]} == cart
            total = sum(self.model.products[id_].price * n for id_, n in cart.items())
            assert seen["total"] == str(total)
        for order_id, order in self.model.orders.items():
            seen = self.desk.told(order.buyer, "GET", f"/orders/{order_id}")
            lines = {i["product_id"]: (i["quantity"], int(i["price"])) for i in seen["items"]}
            assert (seen["status"], lines) == (order.status, order.lines)
            assert int(seen["total_amount"]) == sum(n * price for n, price in lines.values())

    def _wait_for_payment(self, order_id: str) -> None:
        order = self.model.orders[order_id]
        patience = time.monotonic() + PAID_S
        while order.status == "pending":
            seen = self.desk.told(order.buyer, "GET", f"/orders/{order_id}")
            if seen["status"] == "paid":
                self.model.pay(order_id)
            assert time.monotonic() < patience, "the payment did not come"
            time.sleep(0.005)

    def _seller(self, which: int) -> str:
        return self.sellers[which % len(self.sellers)]

    def _buyer(self, which: int) -> str:
        return list(self.model.carts)[which % len(self.model.carts)]

    def _product(self, which: int) -> str:
        return list(self.model.products)[which % len(self.model.products)]

    def _order(self, which: int) -> str:
        return list(self.model.orders)[which % len(self.model.orders)]


def test_the_shop_does_what_the_reference_does(shop: Shop, count: Count) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{shop.store.port}", timeout=20) as http:
        desk = Desk(http)
        chief = desk.login("admin@example.com", "admin123")
        category = desk.told(chief, "POST", "/categories", {"name": uuid4().hex})
        sellers = (desk.seller(), desk.seller())
        run_state_machine_as_test(
            lambda: Shopping(desk, sellers, category["id"]),  # type: ignore[arg-type]  # any factory will do
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=STEPS,
                derandomize=True,
                phases=(Phase.generate,),  # to shrink takes minutes over HTTP
                database=None,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
        count("requests of the state machine", desk.requests)

    async def settled() -> bool:
        return await shop.broken() == {}

    run(eventually(settled, what="every invariant"))
