"""What the shop should do, in a few lines: no database, no network, one thing after the other."""

from dataclasses import dataclass, field
from itertools import pairwise

WAY = ("pending", "paid", "processing", "shipping", "shipped", "completed")


@dataclass
class Product:
    seller: str
    price: int
    stock: int
    deleted: bool = False


@dataclass
class Order:
    buyer: str
    lines: dict[str, tuple[int, int]]  # product → (quantity, price)
    parts: dict[str, str]  # seller → status

    @property
    def status(self) -> str:
        cancelled = "cancelled" in self.parts.values()
        return "cancelled" if cancelled else min(self.parts.values(), key=WAY.index)


@dataclass
class Reference:
    """Each action returns the HTTP status of its answer."""

    products: dict[str, Product] = field(default_factory=dict)
    carts: dict[str, dict[str, int]] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    reviews: set[tuple[str, str]] = field(default_factory=set)

    def edit(self, seller: str, product_id: str, price: int, stock: int) -> int:
        if refusal := self._not_sellable(seller, product_id):
            return refusal
        self.products[product_id].price, self.products[product_id].stock = price, stock
        return 200

    def delete(self, seller: str, product_id: str) -> int:
        if refusal := self._not_sellable(seller, product_id):
            return refusal
        self.products[product_id].deleted = True
        for cart in self.carts.values():
            cart.pop(product_id, None)
        return 200

    def _not_sellable(self, seller: str, product_id: str) -> int:
        product = self.products[product_id]
        return 404 if product.deleted else 403 if product.seller != seller else 0

    def add(self, buyer: str, product_id: str, quantity: int) -> int:
        product, cart = self.products[product_id], self.carts[buyer]
        wanted = cart.get(product_id, 0) + quantity
        if product.deleted or wanted > product.stock:
            return 404 if product.deleted else 400
        cart[product_id] = wanted
        return 200

    def change(self, buyer: str, product_id: str, quantity: int) -> int:
        cart = self.carts[buyer]
        if product_id not in cart or quantity > self.products[product_id].stock:
            return 400 if product_id in cart else 404
        cart[product_id] = quantity
        return 200

    def remove(self, buyer: str, product_id: str) -> int:
        return 200 if self.carts[buyer].pop(product_id, None) else 404

    def checkout(self, buyer: str) -> tuple[int, Order | None]:
        bought = {id_: (self.products[id_], n) for id_, n in self.carts[buyer].items()}
        if not bought or any(product.stock < n for product, n in bought.values()):
            return 400, None
        for product, n in bought.values():
            product.stock -= n
        self.carts[buyer] = {}
        lines = {id_: (n, product.price) for id_, (product, n) in bought.items()}
        return 201, Order(buyer, lines, {p.seller: "pending" for p, _ in bought.values()})

    def pay(self, order_id: str) -> None:
        self.orders[order_id].parts = dict.fromkeys(self.orders[order_id].parts, "paid")

    def cancel(self, buyer: str, order_id: str) -> int:
        order = self.orders[order_id]
        if order.buyer != buyer:
            return 403
        if not set(order.parts.values()) <= {"pending", "paid", "processing"}:
            return 400
        order.parts = dict.fromkeys(order.parts, "cancelled")
        for product_id, (quantity, _) in order.lines.items():
            self.products[product_id].stock += quantity
        return 200

    def move(self, seller: str, order_id: str, wanted: str) -> int:
        parts = self.orders[order_id].parts
        if seller not in parts:
            return 403
        if (parts[seller], wanted) not in pairwise(WAY[1:]):
            return 400
        parts[seller] = wanted
        return 200

    def review(self, buyer: str, product_id: str) -> int:
        seller = self.products[product_id].seller
        received = any(
            order.buyer == buyer and product_id in order.lines
            and order.parts[seller] in {"shipped", "completed"}
            for order in self.orders.values()
        )  # fmt: skip
        if self.products[product_id].deleted or not received:
            return 403
        if (buyer, product_id) in self.reviews:
            return 409
        self.reviews.add((buyer, product_id))
        return 201
