"""What dies comes back; what will not live ends the run; everything stops in order."""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from functools import partial

import pytest

from pasar.cli.supervisor import PartFailed, Supervisor
from pasar.engines.errors import EngineDied, EngineError
from pasar.kit.backoff import Backoff
from tests.fakes.clock import HeldClock
from tests.waiting import eventually

AT_ONCE = Backoff(first_s=0.001, cap_s=0.001)


class Puppet:
    """A process whose death the test decides."""

    def __init__(self, log: list[str], name: str) -> None:
        self.log = log
        self.name = name
        self.starts = 0
        self.refusals: list[Exception] = []
        self._death: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def start(self) -> None:
        self.starts += 1
        if self.refusals:
            raise self.refusals.pop()
        self._death = asyncio.get_running_loop().create_future()

    async def wait(self) -> int:
        return await asyncio.shield(self._death)

    async def stop(self) -> None:
        self.log.append(self.name)
        self.dies(0)

    def dies(self, code: int) -> None:
        if not self._death.done():
            self._death.set_result(code)

    async def started(self, times: int) -> None:
        async def so() -> bool:
            return self.starts == times

        await eventually(so, within_s=2, what=f"start {times} of {self.name}")


@pytest.fixture
def log() -> list[str]:
    return []


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


@pytest.fixture
def supervisor(clock: HeldClock) -> Supervisor:
    return Supervisor(clock, AT_ONCE)


async def start_each(supervisor: Supervisor, puppets: list[Puppet]) -> None:
    for puppet in puppets:
        await supervisor.start(**{puppet.name: puppet})


Run = Callable[..., Coroutine[None, None, tuple["asyncio.Task[None]", list[Puppet]]]]


@pytest.fixture
def run(supervisor: Supervisor, log: list[str]) -> Run:
    async def running(*names: str) -> tuple["asyncio.Task[None]", list[Puppet]]:
        puppets = [Puppet(log, name) for name in names]
        task = asyncio.create_task(supervisor.run(partial(start_each, supervisor, puppets)))
        for puppet in puppets:
            await puppet.started(1)
        return task, puppets

    return running


def tell(number: signal.Signals = signal.SIGINT) -> None:
    os.kill(os.getpid(), number)


async def test_a_part_that_dies_is_started_again(run: Run) -> None:
    running, [store] = await run("store")
    store.dies(-9)
    await store.started(2)
    tell()
    await running


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_stops_the_parts_in_the_reverse_order_of_their_start(
    run: Run, log: list[str], number: signal.Signals
) -> None:
    running, _ = await run("postgres", "payment", "store")
    tell(number)
    await running

    assert log == ["store", "payment", "postgres"]


async def test_only_a_second_signal_hurries(run: Run, supervisor: Supervisor) -> None:
    running, [_, store] = await run("postgres", "store")
    draining, patience = asyncio.Event(), asyncio.Event()

    async def drain() -> None:
        draining.set()
        await patience.wait()
        store.dies(0)

    store.stop = drain  # type: ignore[method-assign]  # the puppet that takes its time
    tell()
    await draining.wait()
    assert not supervisor.hurry.is_set()
    tell()
    async with asyncio.timeout(2):
        await supervisor.hurry.wait()
    patience.set()
    await running


async def test_bad_configuration_ends_the_run_at_once_with_its_code(
    run: Run, log: list[str]
) -> None:
    running, [payment, store] = await run("payment", "store")
    store.dies(78)
    with pytest.raises(PartFailed, match="store refuses its configuration") as failed:
        await running

    assert failed.value.exit_code == 78
    assert store.starts == payment.starts == 1
    assert log == ["store", "payment"]


async def test_five_deaths_within_a_minute_end_the_run(run: Run) -> None:
    running, [store] = await run("store")
    for start in range(1, 6):
        await store.started(start)
        store.dies(1)
    with pytest.raises(PartFailed, match="store died 5 times in 60 s, last with code 1"):
        await running

    assert store.starts == 5


async def test_five_deaths_in_a_longer_time_do_not(run: Run, clock: HeldClock) -> None:
    running, [store] = await run("store")
    for start in range(1, 8):
        await store.started(start)
        clock.advance(16)
        store.dies(1)
    await store.started(8)
    tell()
    await running


async def test_an_engine_that_dies_while_it_starts_is_tried_again(run: Run) -> None:
    running, [postgres] = await run("postgres")
    postgres.refusals = [EngineDied("no room")] * 2
    postgres.dies(1)
    await postgres.started(4)
    tell()
    await running


async def test_an_engine_that_may_not_start_again_ends_the_run_with_its_reason(run: Run) -> None:
    running, [postgres] = await run("postgres")
    postgres.refusals = [EngineError("the data are another version's")]
    postgres.dies(1)

    with pytest.raises(EngineError, match="another version"):
        await running


async def test_a_start_that_fails_stops_what_it_had_started(
    supervisor: Supervisor, log: list[str]
) -> None:
    async def start() -> None:
        await supervisor.start(postgres=Puppet(log, "postgres"))
        raise EngineError("no valkey")

    with pytest.raises(EngineError, match="no valkey"):
        await supervisor.run(start)

    assert log == ["postgres"]


async def test_a_signal_during_the_start_ends_it(supervisor: Supervisor, log: list[str]) -> None:
    begun = asyncio.Event()

    async def start() -> None:
        await supervisor.start(postgres=Puppet(log, "postgres"))
        begun.set()
        await asyncio.Event().wait()

    running = asyncio.create_task(supervisor.run(start))
    await begun.wait()
    tell()
    async with asyncio.timeout(2):
        await running

    assert log == ["postgres"]
