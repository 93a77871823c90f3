"""
The load: buyers and sellers who go about their business whatever happens, and write it all down.

Who got no answer does not know what happened, and says so. Each buyer writes the key of a checkout
into the shipping address too: an order then tells whose it is without the shop's own book of keys.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from io import BytesIO
from random import Random
from typing import Final
from uuid import UUID

from PIL import Image

from chaos.oplog import OperationLog
from chaos.people import Bought, Market, Person, Ware

BUYERS: Final = 30
SELLERS: Final = 3
PRODUCTS: Final = 50
MIX: Final = {  # per cent
    "checkout": 50,
    "cancel": 15,
    "move": 15,
    "retry": 15,
    "edit": 3,
    "picture": 1,
    "sign in": 1,
}
STEPS: Final = ("processing", "shipping", "shipped", "completed")
_STOCK: Final = 40  # a hot product sells out within a minute, until its seller notices
_THINK_S: Final = (0.2, 1.0)  # some 50 operations a second: the faults matter, not the rate
_REMEMBERED: Final = 40  # orders and keys that are still worth an operation


def _painted() -> bytes:
    """Return the smallest picture."""
    encoded = BytesIO()
    Image.new("RGB", (1, 1)).save(encoded, "PNG")
    return encoded.getvalue()


_PICTURE: Final = _painted()


class Buyer(Person):
    """Buys, cancels, asks again for what it asked before; now and then a seller acts."""

    def __init__(self, market: Market, name: str, address: str, rng: Random) -> None:
        super().__init__(market, name, address, rng)
        self._tried: deque[str] = deque(maxlen=_REMEMBERED)
        self._own: deque[str] = deque(maxlen=_REMEMBERED)

    async def live(self) -> None:
        """Do one thing after the other until the market closes; the last one is finished."""
        acts = {
            "checkout": self._buy,
            "cancel": self._cancel,
            "retry": self._retry,
            "move": self._have_moved,
            "edit": self._have_edited,
            "picture": self._have_pictured,
            "sign in": self.renew,
        }
        while not self.market.closing:
            await asyncio.sleep(self.rng.uniform(*_THINK_S))
            [act] = self.rng.choices([acts[op] for op in MIX], weights=[*MIX.values()])
            await act()

    async def _buy(self) -> None:
        for _ in range(self.rng.choice((1, 1, 2))):
            ware = self.market.pick(self.rng)
            line = {"product_id": ware.id, "quantity": self.rng.choice((1, 1, 2))}
            await self.do("cart", ("POST", "/cart/items"), line)
        key = str(UUID(int=self.rng.getrandbits(128)))
        self._tried.append(key)
        await self._check_out("checkout", key)

    async def _retry(self) -> None:
        if self._tried:
            await self._check_out("retry", self.rng.choice(self._tried))

    async def _check_out(self, op: str, key: str) -> None:
        tried, order = await self.do(op, ("POST", "/orders"), {"shipping_address": key}, key=key)
        if tried.outcome == "ok" and tried.order_id not in self._own:
            self._own.append(tried.order_id)
            sellers = {self.market.sold_by(line["product_id"]) for line in order["items"]}
            steps = {seller.name: deque(STEPS) for seller in sellers}
            self.market.bought.append(Bought(tried.order_id, steps))
        elif tried.outcome == "fail":
            await self._empty_cart()

    async def _empty_cart(self) -> None:
        """Begin anew: what is sold out would refuse every later checkout as well."""
        _, cart = await self.do("cart", ("GET", "/cart"))
        for line in (cart or {}).get("items", []):
            await self.do("cart", ("DELETE", f"/cart/items/{line['product_id']}"))

    async def _cancel(self) -> None:
        if self._own:
            order_id = self.rng.choice(self._own)
            await self.do("cancel", ("PUT", f"/orders/{order_id}/cancel"), order_id=order_id)

    async def _have_moved(self) -> None:
        """Let a seller make the next step of a part; who got no answer asks for it again."""
        if not self.market.bought:
            return
        bought = self.rng.choice(self.market.bought)
        seller = self.rng.choice(self.market.sellers)
        steps = bought.steps.get(seller.name)
        if steps:
            moved, _ = await seller.do(
                "move",
                ("PUT", f"/orders/{bought.order_id}/status"),
                {"status": steps[0]},
                order_id=bought.order_id,
            )
            if moved.outcome == "ok":
                steps.popleft()

    async def _have_edited(self) -> None:
        ware = self.market.pick(self.rng)
        edits: Sequence[dict[str, str | int]] = (
            {"price": f"{self.rng.randint(1, 99)}.5"},
            {"stock": self.rng.randint(_STOCK, 5 * _STOCK)},
        )
        await ware.seller.do("edit", ("PUT", f"/products/{ware.id}"), self.rng.choice(edits))

    async def _have_pictured(self) -> None:
        ware = self.market.pick(self.rng)
        path = f"/products/{ware.id}/image"
        await ware.seller.do("picture", ("POST", path), picture=_PICTURE)


async def open_market(urls: Mapping[str, str], log: OperationLog, seed: int) -> Market:
    """Open three stores with fifty products between them."""
    market = Market(urls, log)
    admin = Person(market, "admin", "127.0.3.1", Random(seed))
    await admin.sign_in("admin@example.com", "admin123")
    category = await admin.must("POST", "/categories", {"name": "Kopi"})
    await admin.close()
    for number in range(1, SELLERS + 1):
        seller = Person(market, f"seller-{number}", f"127.0.2.{number}", Random(f"{seed}s{number}"))
        await seller.sign_in()
        made = await seller.must("POST", "/stores", {"name": f"Toko {number}"})
        seller.store_id = made["id"]
        await seller.sign_in(seller.email)  # the old token stays a buyer's
        market.sellers.append(seller)
    for number in range(PRODUCTS):
        seller = market.sellers[number % SELLERS]
        ware = {"name": f"Kopi {number}", "price": "7.5", "stock": _STOCK}
        made = await seller.must("POST", "/products", {**ware, "category_id": category["id"]})
        market.wares.append(Ware(made["id"], seller))
    return market


async def crowd(market: Market, seed: int) -> Sequence[Buyer]:
    """Return thirty buyers, signed in."""
    buyers = [
        Buyer(market, f"buyer-{number}", f"127.0.1.{number}", Random(f"{seed}b{number}"))
        for number in range(1, BUYERS + 1)
    ]
    for buyer in buyers:
        await buyer.sign_in()
    return buyers
