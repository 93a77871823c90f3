"""Jobs that come round: again after failures, at their time of day, and to an end."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, time

import pytest

from pasar.kit import failpoints
from pasar.kit.errors import Unavailable
from pasar.kit.periodic import Job, daily, every
from tests.fakes.clock import HeldClock
from tests.waiting import eventually


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    failpoints.arm("", app_env="test")


async def test_a_job_that_fails_is_tried_again() -> None:
    faults = iter([Unavailable("away"), LookupError("a fault of ours"), Unavailable("away")])
    done: list[int] = []

    async def work() -> None:
        if fault := next(faults, None):
            raise fault
        done.append(1)

    stop = asyncio.Event()
    running = asyncio.create_task(Job("tidy", every(0.001), work).run(stop))
    await eventually(lambda: len(done) >= 2)
    stop.set()
    await running


async def test_it_begins_at_once_and_then_keeps_its_interval() -> None:
    pause_s = every(2.0)

    assert [pause_s(), pause_s(), pause_s()] == [0, 2, 2]


async def test_the_tick_in_hand_is_finished_and_no_other_begun() -> None:
    begun, let_go, ended = asyncio.Event(), asyncio.Event(), list[int]()

    async def work() -> None:
        begun.set()
        await let_go.wait()
        ended.append(1)

    stop = asyncio.Event()
    running = asyncio.create_task(Job("tidy", every(0.001), work).run(stop))
    await begun.wait()
    stop.set()
    await asyncio.sleep(0)
    assert not running.done()
    let_go.set()
    await running

    assert ended == [1]


async def test_its_failpoint_skips_the_tick() -> None:
    failpoints.arm("tidy.tick=skip", app_env="test")
    visits: list[float] = []
    done: list[int] = []

    def pause_s() -> float:
        visits.append(1)
        return 0.001

    async def work() -> None:
        done.append(1)

    stop = asyncio.Event()
    running = asyncio.create_task(Job("tidy", pause_s, work).run(stop))
    await eventually(lambda: len(visits) > 3)
    stop.set()
    await running

    assert done == []


@pytest.mark.parametrize(
    ("now", "pause_s"), [((2, 59, 30), 30), ((3, 0, 0), 86_400), ((4, 0, 0), 82_800)]
)
def test_a_daily_job_waits_for_its_time_of_day(now: tuple[int, int, int], pause_s: int) -> None:
    clock = HeldClock(datetime(2026, 1, 31, *now, tzinfo=UTC))

    assert daily(time(3), clock)() == pause_s
