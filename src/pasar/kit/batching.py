"""
Calls that wait together go together: while one batch is under way the next one gathers.

Nobody is kept waiting for company: an idle batcher starts at once, and a batch is whatever arrived
meanwhile. It turns many small commits into few, and still no answer precedes its commit.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Generic, TypeVar

ItemT = TypeVar("ItemT")
AnswerT = TypeVar("AnswerT")


class Batcher(Generic[ItemT, AnswerT]):
    """
    Call it with an item: it returns that item's answer, or raises that item's error.

    `run` is given up to `most` items in the order of the calls and returns as many answers in the
    same order. When it raises, each item is run again on its own, all at once, so that one bad item
    fails nobody else; whatever it does must therefore be safe to do twice. One batch runs at a
    time. A caller that is cancelled loses its answer; its item goes with the batch if that has
    begun. What waits is bounded by the number of callers.

    >>> async def double(items: Sequence[int]) -> Sequence[int]:
    ...     return [2 * item for item in items]
    >>> async def both() -> list[int]:
    ...     batcher = Batcher(double, most=100)
    ...     return await asyncio.gather(batcher(1), batcher(2))
    >>> asyncio.run(both())
    [2, 4]
    """

    def __init__(
        self, run: Callable[[Sequence[ItemT]], Awaitable[Sequence[AnswerT]]], *, most: int
    ) -> None:
        self._run = run
        self._most = most
        self._waiting: deque[tuple[ItemT, asyncio.Future[AnswerT]]] = deque()
        self._worker: asyncio.Task[None] | None = None

    async def __call__(self, item: ItemT) -> AnswerT:
        answer: asyncio.Future[AnswerT] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answer))
        if self._worker is None or self._worker.done():
            # A context of its own: a batch works for many requests, not for the first one's id.
            self._worker = asyncio.create_task(self._work(), context=Context())
        return await answer

    async def _work(self) -> None:
        while self._waiting:
            size = min(self._most, len(self._waiting))
            taken = [self._waiting.popleft() for _ in range(size)]
            if batch := [(item, answer) for item, answer in taken if not answer.done()]:
                outcomes = await self._outcomes([item for item, _ in batch])
                for (_, answer), outcome in zip(batch, outcomes, strict=True):
                    _tell(answer, outcome)

    async def _outcomes(self, items: Sequence[ItemT]) -> Sequence[AnswerT | BaseException]:
        try:
            return await self._matched(items)
        except Exception as fault:  # noqa: BLE001  the callers get it, each its own
            if len(items) == 1:
                return [fault]
        alone = (self._matched([item]) for item in items)
        return [
            outcome if isinstance(outcome, BaseException) else outcome[0]
            for outcome in await asyncio.gather(*alone, return_exceptions=True)
        ]

    async def _matched(self, items: Sequence[ItemT]) -> Sequence[AnswerT]:
        """Return one answer per item. Raises ValueError if `run` gave more or fewer."""
        return [answer for _, answer in zip(items, await self._run(items), strict=True)]


def _tell(answer: asyncio.Future[AnswerT], outcome: AnswerT | BaseException) -> None:
    if answer.done():  # the caller is gone
        return
    if isinstance(outcome, BaseException):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)
