"""Many tasks with the same budget: each is ended at its own time, and nobody else's."""

import asyncio

import pytest

from pasar.kit.deadlines import Deadlines
from pasar.kit.errors import TimedOut

BUDGET_S = 0.1


def budgets(seconds: float = BUDGET_S) -> Deadlines:
    return Deadlines(seconds)


async def work(deadlines: Deadlines, seconds: float) -> str:
    with deadlines.budget():
        await asyncio.sleep(seconds)
    return "done"


async def test_work_within_its_budget_is_let_be() -> None:
    deadlines = budgets()
    assert [await work(deadlines, 0) for _ in range(3)] == ["done"] * 3


async def test_work_that_takes_longer_is_cancelled_and_raises() -> None:
    with pytest.raises(TimedOut):
        await work(budgets(), 60)


async def test_each_of_many_ends_at_its_own_time() -> None:
    deadlines = budgets()
    loop = asyncio.get_running_loop()
    took_s: list[float] = []

    async def late(by_s: float) -> None:
        await asyncio.sleep(by_s)
        began = loop.time()
        with pytest.raises(TimedOut):
            await work(deadlines, 60)
        took_s.append(loop.time() - began)

    quick = [work(deadlines, 0.01) for _ in range(20)]
    await asyncio.gather(*quick, *(late(number / 100) for number in range(10)))

    assert len(took_s) == 10
    assert min(took_s) >= BUDGET_S * 0.99


async def test_after_a_pause_budgets_are_watched_again() -> None:
    deadlines = budgets(0.02)
    await work(deadlines, 0)
    await asyncio.sleep(0.05)

    with pytest.raises(TimedOut):
        await work(deadlines, 60)


async def test_a_cancellation_from_elsewhere_stays_one() -> None:
    task = asyncio.create_task(work(budgets(60), 60))
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_of_two_cancellations_at_once_the_one_from_elsewhere_counts() -> None:
    async def stubborn() -> None:
        with budgets(0.02).budget():
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                await asyncio.sleep(60)

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0.05)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_of_two_budgets_one_in_the_other_the_shorter_ends_the_work() -> None:
    async def nested(outer: Deadlines, inner: Deadlines) -> None:
        with outer.budget():
            with pytest.raises(TimedOut), inner.budget():
                await asyncio.sleep(60)
            await asyncio.sleep(60)

    with pytest.raises(TimedOut):
        await nested(budgets(0.05), budgets(0.02))


async def test_a_fault_of_the_work_is_told_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError), budgets().budget():
        _ = 1 / 0


async def test_what_the_work_raises_while_it_is_ended_is_told_too() -> None:
    async def clumsy() -> None:
        with budgets(0.02).budget():
            try:
                await asyncio.sleep(60)
            finally:
                _ = 1 / 0

    with pytest.raises(ZeroDivisionError):
        await clumsy()
