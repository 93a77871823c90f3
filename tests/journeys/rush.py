"""Buyers who buy on and on while something happens to the shop, and what they were told."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import httpx

from tests.journeys.people import ADDRESS, Person
from tests.waiting import eventually

THINKING_S: Final = 0.1  # between two purchases: ten buyers ask some 100 times a second


@dataclass(slots=True)
class Rush:
    """Every answer to those buyers with its arrival, by `time.monotonic`."""

    answers: list[tuple[float, httpx.Response]] = field(default_factory=list)
    over: bool = False

    @property
    def statuses(self) -> set[int]:
        return {answer.status_code for _, answer in self.answers}

    @property
    def orders(self) -> list[str]:
        """The ids of the acknowledged orders."""
        return [answer.json()["data"]["id"] for _, answer in self._checkouts(201)]

    def waited_s(self, since: float) -> float:
        """Return how long after that moment the first checkout succeeded."""
        return min(at for at, _ in self._checkouts(201) if at > since) - since

    def refusals(self) -> list[httpx.Response]:
        return [answer for _, answer in self.answers if not answer.is_success]

    async def has(self, orders: int, within_s: float = 20) -> None:
        """Wait until so many more orders are acknowledged."""
        wanted = len(self._checkouts(201)) + orders

        async def there() -> bool:
            return len(self._checkouts(201)) >= wanted

        await eventually(there, within_s=within_s, what=f"{orders} more orders")

    async def sees_a_refusal(self) -> None:
        before = len(self.refusals())

        async def there() -> bool:
            return len(self.refusals()) > before

        await eventually(there, what="a refusal")

    def _checkouts(self, status: int) -> list[tuple[float, httpx.Response]]:
        return [
            (at, answer)
            for at, answer in self.answers
            if answer.status_code == status and answer.request.url.path == "/api/v1/orders"
        ]

    async def _shop(self, buyer: Person, product_id: str) -> None:
        line = {"product_id": product_id, "quantity": 1}
        while not self.over:
            for path, body in (("/cart/items", line), ("/orders", ADDRESS)):
                answer = await buyer.ask("POST", path, body)
                self.answers.append((time.monotonic(), answer))
                if not answer.is_success:
                    break
            await asyncio.sleep(THINKING_S)


@asynccontextmanager
async def rush(buyers: Sequence[Person], product_id: str) -> AsyncGenerator[Rush]:
    """Let everybody buy one unit after the other until the block ends, and finish their orders."""
    going_on = Rush()
    async with asyncio.TaskGroup() as crowd:
        for buyer in buyers:
            crowd.create_task(going_on._shop(buyer, product_id))
        try:
            yield going_on
        finally:
            going_on.over = True
