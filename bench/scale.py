"""
`make bench-scale`: what a request takes as the shop grows to 1,000,000 products and orders.

One request after the other over one connection; the growth table goes to bench/SCALE.md.
`LARGEST=100000` stops earlier and writes nothing. The bench's own shop (`shop.py`) grows in place;
what it grows by is `plant.py`.
"""

import asyncio
import json
import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import md5
from http.client import HTTPConnection
from itertools import count
from statistics import median
from typing import Final
from urllib.parse import urlsplit

from bench import report
from bench.plant import GROUND, PASSWORD, SEARCHED, growth, numbered
from bench.shop import DATA, ROOT, BenchFailed, as_owner, audit, shop, versions
from pasar.engines.datadir import Run

PAGE: Final = ROOT / "bench" / "SCALE.md"
SIZES: Final = (1_000, 100_000, 1_000_000)
REQUESTS: Final = 200  # of which the middle one counts
CHANGES: Final = 30  # each lets go of every copied page, so that the next list is read anew
NEVER_ASKED: Final = count(1)  # prices in cents below which is next to nothing
REQUEST_LIMIT_S: Final = 30.0
SPREAD: Final = 100  # products that are asked for again and again

RARE: Final = md5(b"7", usedforsecurity=False).hexdigest()[:8]  # in one description
LISTS: Final[Mapping[str, str]] = {
    "list, page 1": "per_page=10",
    "list, page 100": "per_page=10&page=100",
    "search, rare word": f"per_page=10&search={RARE}",
    "search, common word": "per_page=10&search=kopi",
    "search, two letters": "per_page=10&search=an",
    "search, `%_%_`": "per_page=10&search=%25_%25_",
}

LEGEND: Final = """\
p50 in milliseconds as a client on the same machine sees it, one request at a time over one
connection. Each buyer has 20 orders, each of 100 stores a hundredth of all products and orders.

*Again* is a page that a process has a copy of (ADR 17); *after a change* is the first time it is
asked for after a seller changed some product, which lets go of all pages but not of the counts (ADR
27); *first time* is a search that the process has not counted within the hour. Nobody keeps copies
of orders. `kopi` is in a seventh of all products, `an` in nearly all, `%_%_` in none.
"""


@dataclass(frozen=True, slots=True)
class Person:
    """One connection, logged in as somebody."""

    connection: HTTPConnection
    headers: dict[str, str]

    def ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> bytes:
        """Return the answer's body. Raises BenchFailed unless it is a 2xx."""
        sent = None if body is None else json.dumps(body)
        self.connection.request(method, f"/api/v1{path}", sent, self.headers)
        answer = self.connection.getresponse()
        read = answer.read()
        if answer.status // 100 != 2:  # noqa: PLR2004  2xx
            raise BenchFailed(f"{method} {path}: {answer.status} {read[:200]!r}")
        return read

    def log_in(self, email: str) -> "Person":
        """Return the same connection as somebody else's."""
        said = self.ask("POST", "/auth/login", {"email": email, "password": PASSWORD})
        token = json.loads(said)["data"]["access_token"]
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        return Person(self.connection, headers)


def measure(run: Run, size: int) -> dict[str, float]:
    """Return the p50 of every operation in milliseconds."""
    address = urlsplit(run.urls["store"])
    connection = HTTPConnection(address.hostname or "", address.port, timeout=REQUEST_LIMIT_S)
    anybody = Person(connection, {"Content-Type": "application/json"})
    seller = anybody.log_in("seller-0@example.com")
    rng = random.Random(size)  # noqa: S311  for repetition
    found = {**_products(anybody, size, rng), **_lists(anybody, seller, rng)}
    found |= _orders(anybody, seller, size, rng)
    connection.close()
    return found


def _products(anybody: Person, size: int, rng: random.Random) -> dict[str, float]:
    def look(number: int) -> None:
        anybody.ask("GET", f"/products/{numbered('ware', number)}")

    once = iter(rng.sample(range(size), REQUESTS))
    for number in range(SPREAD):
        look(number)
    return {
        "product, again": p50(REQUESTS, lambda: look(rng.randrange(SPREAD))),
        "product, first time": p50(REQUESTS, lambda: look(next(once))),
    }


def _lists(anybody: Person, seller: Person, rng: random.Random) -> dict[str, float]:
    def change() -> None:
        price = {"price": str(rng.randrange(1, 100_000))}
        seller.ask("PUT", f"/products/{numbered('ware', 0)}", price)

    found: dict[str, float] = {}
    for name, query in LISTS.items():
        look = partial(anybody.ask, "GET", f"/products?{query}")
        found[f"{name}, after a change"] = p50(CHANGES, look, before=change)
        found[f"{name}, again"] = p50(REQUESTS, look)

    def look_for_something_new() -> None:
        query = f"{LISTS['search, common word']}&min_price={next(NEVER_ASKED) / 100}"
        anybody.ask("GET", f"/products?{query}")

    found["search, common word, first time"] = p50(CHANGES, look_for_something_new)
    return found


def _orders(anybody: Person, seller: Person, size: int, rng: random.Random) -> dict[str, float]:
    buyer, other = (anybody.log_in(f"buyer-{number}@example.com") for number in range(2))

    def buy() -> None:
        line = {"product_id": str(numbered("ware", rng.randrange(size))), "quantity": 1}
        buyer.ask("POST", "/cart/items", line)
        buyer.ask("POST", "/orders", {"shipping_address": "Jl. Merdeka 1"})

    return {
        "checkout (cart add, order)": p50(REQUESTS, buy),
        "orders": p50(REQUESTS, lambda: other.ask("GET", "/orders?per_page=10")),
        "seller orders": p50(REQUESTS, lambda: seller.ask("GET", "/seller/orders?per_page=10")),
    }


def p50(
    times: int, step: Callable[[], object], before: Callable[[], object] = lambda: None
) -> float:
    """Return the median of what `step` takes, in milliseconds; `before` is not measured."""
    taken: list[float] = []
    for _ in range(times):
        before()
        start = time.perf_counter()
        step()
        taken.append((time.perf_counter() - start) * 1000)
    return median(taken)


async def grow(run: Run, first: int, last: int) -> None:
    """Plant what is missing of `last`; the search indexes are filled at once, which is quicker."""
    async with as_owner(run) as owner:
        searched = await owner.fetch(SEARCHED)
        drops = [f"DROP INDEX {index['name']}" for index in searched]
        ground = GROUND if first == 0 else ()
        for sql in (*ground, *drops, *growth(first, last), *(index["sql"] for index in searched)):
            start = time.monotonic()
            await owner.execute(sql)
            print(f"{time.monotonic() - start:6.1f} s  {' '.join(sql.split())[:60]}", flush=True)
        await owner.execute("VACUUM ANALYZE")


def table(found: Mapping[int, Mapping[str, float]]) -> str:
    """Return a row per operation: its p50 at each size, and largest ÷ smallest."""
    sizes = sorted(found)
    smallest, largest = found[sizes[0]], found[sizes[-1]]
    rows = [["p50, ms", *(f"{size:,}" for size in sizes), "**growth**"]]
    rows += [["---", *("---:" for _ in sizes), "---:"]]
    rows += [
        [name, *(f"{found[size][name]:.2f}" for size in sizes), f"**{largest[name] / least:.1f}**"]
        for name, least in smallest.items()
    ]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


async def bench(sizes: Sequence[int]) -> tuple[str, Mapping[str, str]]:
    """Grow the shop from size to size and measure each; its books must agree."""
    found: dict[int, dict[str, float]] = {}
    async with shop() as run:
        for before, size in zip((0, *sizes), sizes, strict=False):
            print(f"growing to {size:,}", flush=True)
            await grow(run, before, size)
            if not before:
                await asyncio.to_thread(measure, run, size)  # who has just started is slow
            found[size] = await asyncio.to_thread(measure, run, size)
            print(table(found), f"\nload {os.getloadavg()[0]:.1f}", flush=True)
            await audit()
        return table(found), {**report.installed(), **await versions(run)}


def main() -> None:
    largest = int(os.environ.get("LARGEST") or SIZES[-1])
    try:
        grown, software = asyncio.run(bench([size for size in SIZES if size <= largest]))
    except BenchFailed as fault:
        raise SystemExit(f"bench-scale: {fault}") from None
    except TimeoutError:
        raise SystemExit(f"bench-scale: a server came or went too slowly; see {DATA}") from None
    if largest == SIZES[-1]:
        facts = report.facts(software)
        page = ("# Growth", "Written by `make bench-scale`.", facts, grown, LEGEND)
        PAGE.write_text("\n\n".join(page), encoding="utf-8")


if __name__ == "__main__":
    main()
