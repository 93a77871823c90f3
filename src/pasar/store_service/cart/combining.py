"""
Changes that wait together go together: one statement and one commit for many carts.

An idle process adds no delay: a batch is whatever arrived while the one before was under way.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

from pasar.kit.batching import Batcher
from pasar.kit.database import Contended
from pasar.kit.errors import PasarError, Unavailable
from pasar.store_service.cart.model import Cart, Change, Outcome
from pasar.store_service.cart.repository import BatchCarts, Carts
from pasar.store_service.catalog.model import ProductId
from pasar.store_service.identity import UserId

MOST_CHANGES: Final = 32
"""Bounds the row locks of a batch; beyond 16 it gains nothing more (ADR 30)."""

Make = Callable[[Sequence[Change]], Awaitable[Sequence[Outcome]]]


class CombiningCarts:
    """
    Additions in company, and removals; setting a quantity is rarer and goes by itself.

    Whoever wants a cart that somebody else holds waits for it alone, and keeps nobody. Not for use
    within a transaction of somebody's: a batch has one of its own.
    """

    def __init__(self, behind: BatchCarts) -> None:
        self._behind = behind
        self._additions = Batcher(partial(_in_company, behind.add_all), most=MOST_CHANGES)
        self._removals = Batcher(partial(_in_company, behind.remove_all), most=MOST_CHANGES)

    async def get(self, buyer: UserId) -> Cart:
        return await self._behind.get(buyer)

    async def add(self, buyer: UserId, product_id: ProductId, quantity: int) -> Cart:
        try:
            return (await self._additions(Change(buyer, product_id, quantity))).cart()
        except Contended:
            return await self._behind.add(buyer, product_id, quantity)

    async def set_quantity(self, buyer: UserId, product_id: ProductId, quantity: int) -> Cart:
        return await self._behind.set_quantity(buyer, product_id, quantity)

    async def remove(self, buyer: UserId, product_id: ProductId) -> Cart:
        try:
            return (await self._removals(Change(buyer, product_id))).cart()
        except Contended:
            return await self._behind.remove(buyer, product_id)


async def _in_company(make: Make, wanted: Sequence[Change]) -> Sequence[Outcome]:
    """
    Make the first change of each buyer together, then the others one by one.

    The batcher tries each alone when this raises, so it raises only while nothing is changed.
    """
    first = {each.buyer: place for place, each in reversed([*enumerate(wanted)])}
    places = [*first.values()]
    try:
        outcomes = dict(zip(places, await make([wanted[place] for place in places]), strict=True))
    except Contended:
        raise
    except Unavailable:
        return [Outcome(refusal=Unavailable()) for _ in wanted]
    for place, each in enumerate(wanted):
        if place not in outcomes:
            outcomes[place] = await _alone(make, each)
    return [outcomes[place] for place in range(len(wanted))]


async def _alone(make: Make, wanted: Change) -> Outcome:
    try:
        [outcome] = await make([wanted])
    except PasarError as refusal:
        return Outcome(refusal=refusal)
    return outcome


_: type[Carts] = CombiningCarts
