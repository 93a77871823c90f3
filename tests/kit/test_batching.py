"""Calls that wait together go together, and each still gets its own answer."""

import asyncio
from collections.abc import Sequence

import pytest

from pasar.kit import log
from pasar.kit.batching import Batcher


class Counter:
    """Doubles numbers, refuses negative ones; keeps each batch until it is let go."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.let_go = asyncio.Event()
        self.let_go.set()

    async def __call__(self, items: Sequence[int]) -> Sequence[int]:
        self.batches.append(list(items))
        await self.let_go.wait()
        if any(item < 0 for item in items):
            msg = f"{min(items)} is negative"
            raise ValueError(msg)
        return [2 * item for item in items]


async def _all_begin(*callers: asyncio.Task[int]) -> None:
    """Let every caller hand in its item, and the worker take what it may."""
    for _ in range(len(callers) + 3):
        await asyncio.sleep(0)


async def test_a_call_alone_is_a_batch_of_one() -> None:
    run = Counter()

    assert await Batcher(run, most=10)(1) == 2
    assert run.batches == [[1]]


async def test_calls_that_come_while_a_batch_is_under_way_are_the_next_one_in_order() -> None:
    run = Counter()
    run.let_go.clear()
    batcher = Batcher(run, most=10)
    first = asyncio.create_task(batcher(0))
    await _all_begin(first)
    later = [asyncio.create_task(batcher(number)) for number in range(1, 6)]
    await _all_begin(*later)

    run.let_go.set()

    assert await asyncio.gather(first, *later) == [0, 2, 4, 6, 8, 10]
    assert run.batches == [[0], [1, 2, 3, 4, 5]]


async def test_a_batch_holds_no_more_than_its_most() -> None:
    run = Counter()
    batcher = Batcher(run, most=4)

    answers = await asyncio.gather(*map(batcher, range(10)))

    assert answers == [2 * number for number in range(10)]
    assert run.batches == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


async def test_one_bad_item_fails_nobody_else() -> None:
    run = Counter()
    batcher = Batcher(run, most=10)

    outcomes = await asyncio.gather(*map(batcher, [1, -2, 3, -4]), return_exceptions=True)

    assert [str(outcome) for outcome in outcomes] == ["2", "-2 is negative", "6", "-4 is negative"]
    assert run.batches == [[1, -2, 3, -4], [1], [-2], [3], [-4]]


async def test_a_fault_of_one_call_alone_is_not_tried_again() -> None:
    run = Counter()

    with pytest.raises(ValueError, match="-1 is negative"):
        await Batcher(run, most=10)(-1)

    assert run.batches == [[-1]]


async def test_work_goes_on_after_a_fault() -> None:
    batcher = Batcher(Counter(), most=10)
    with pytest.raises(ValueError, match="negative"):
        await batcher(-1)

    assert await batcher(1) == 2


async def test_a_caller_that_goes_away_while_waiting_takes_its_item_along() -> None:
    run = Counter()
    run.let_go.clear()
    batcher = Batcher(run, most=10)
    callers = [asyncio.create_task(batcher(0))]
    await _all_begin(*callers)
    callers += [asyncio.create_task(batcher(number)) for number in (1, 2)]
    await _all_begin(*callers)

    callers[1].cancel()
    await _all_begin(callers[1])
    run.let_go.set()

    assert [await callers[0], await callers[2]] == [0, 4]
    assert run.batches == [[0], [2]]


async def test_a_caller_that_goes_away_from_a_batch_under_way_harms_nobody() -> None:
    run = Counter()
    run.let_go.clear()
    batcher = Batcher(run, most=10)
    callers = [asyncio.create_task(batcher(number)) for number in (1, 2)]
    await _all_begin(*callers)

    callers[0].cancel()
    await _all_begin(callers[0])
    run.let_go.set()

    assert await callers[1] == 4
    assert await batcher(3) == 6


async def test_too_few_answers_are_everybody_s_error_and_leave_nobody_waiting() -> None:
    async def forgetful(_items: Sequence[int]) -> Sequence[int]:
        return []

    batcher = Batcher(forgetful, most=10)

    outcomes = await asyncio.gather(batcher(1), batcher(2), return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [ValueError, ValueError]


async def test_a_batch_bears_no_single_caller_s_request_id() -> None:
    seen = []

    async def listening(items: Sequence[int]) -> Sequence[int]:
        seen.append(log.request_id.get())
        return items

    log.request_id.set("req-1")
    await Batcher(listening, most=10)(1)

    assert (seen, log.request_id.get()) == ([""], "req-1")
