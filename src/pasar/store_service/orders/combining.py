"""
Checkouts that wait together go together: one statement and one commit for many carts.

An idle process adds no delay: a batch is whatever arrived while the one before was committing.
"""

from collections.abc import Callable
from typing import Final

from pasar.kit.batching import Batcher
from pasar.store_service.orders.model import Attempt, Wish
from pasar.store_service.orders.repository import BatchCheckouts, Checkouts

MOST_CARTS: Final = 64
"""Bounds the locks of a batch; more gained nothing (ADR 15)."""


class CombiningCheckouts:
    """`is_joined` tells of a checkout that is part of a transaction; that one goes by itself."""

    def __init__(self, behind: BatchCheckouts, is_joined: Callable[[], bool]) -> None:
        self._behind = behind
        self._is_joined = is_joined
        self._batcher = Batcher(behind.place_all, most=MOST_CARTS)

    async def place(self, wish: Wish) -> Attempt:
        if self._is_joined():
            [attempt] = await self._behind.place_all([wish])
            return attempt
        return await self._batcher(wish)


_: type[Checkouts] = CombiningCheckouts
