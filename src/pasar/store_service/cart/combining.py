"""
Additions that wait together go together: one statement and one commit for many carts.

An idle process adds no delay: a batch is whatever arrived while the one before was under way.
"""

from collections.abc import Sequence
from typing import Final

from pasar.kit.batching import Batcher
from pasar.kit.errors import PasarError, Unavailable
from pasar.store_service.cart.model import Addition, Cart, Outcome
from pasar.store_service.cart.repository import BatchCarts, Carts
from pasar.store_service.catalog.model import ProductId
from pasar.store_service.identity import UserId

MOST_ADDITIONS: Final = 32
"""Bounds the row locks of a batch; beyond 16 it gains nothing more (ADR 30)."""


class CombiningCarts:
    """Not for use within somebody's transaction: a batch has one of its own."""

    def __init__(self, behind: BatchCarts) -> None:
        self._behind = behind
        self._additions = Batcher(self._add_all, most=MOST_ADDITIONS)

    async def get(self, buyer: UserId) -> Cart:
        return await self._behind.get(buyer)

    async def add(self, buyer: UserId, product_id: ProductId, quantity: int) -> Cart:
        outcome = await self._additions(Addition(buyer, product_id, quantity))
        return outcome.cart()

    async def set_quantity(self, buyer: UserId, product_id: ProductId, quantity: int) -> Cart:
        return await self._behind.set_quantity(buyer, product_id, quantity)

    async def remove(self, buyer: UserId, product_id: ProductId) -> Cart:
        return await self._behind.remove(buyer, product_id)

    async def _add_all(self, wanted: Sequence[Addition]) -> Sequence[Outcome]:
        """
        Add the first of each buyer's together, then the others one by one.

        The batcher may try each alone only while nothing is added, so nothing is raised once
        something is, or may be.
        """
        first = {each.buyer: each for each in reversed(wanted)}
        together = [*first.values()]
        try:
            outcomes = dict(
                zip(map(id, together), await self._behind.add_all(together), strict=True)
            )
        except Unavailable:
            return [Outcome(refusal=Unavailable()) for _ in wanted]
        for each in wanted:
            if id(each) not in outcomes:
                outcomes[id(each)] = await self._alone(each)
        return [outcomes[id(each)] for each in wanted]

    async def _alone(self, wanted: Addition) -> Outcome:
        try:
            [outcome] = await self._behind.add_all([wanted])
        except PasarError as refusal:
            return Outcome(refusal=refusal)
        return outcome


_: type[Carts] = CombiningCarts
