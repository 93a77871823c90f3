"""What dies comes back; what will not live ends the run; everything stops in order."""

import asyncio

import pytest

from pasar.cli.supervisor import PartFailed, Supervisor
from pasar.kit.clock import SystemClock
from tests.journeys.people import eventually


class Puppet:
    """A process whose death the test decides."""

    def __init__(self, log: list[str], name: str) -> None:
        self.log = log
        self.name = name
        self.starts = 0
        self._death: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def start(self) -> None:
        self.starts += 1
        self._death = asyncio.get_running_loop().create_future()

    async def wait(self) -> int:
        return await asyncio.shield(self._death)

    async def stop(self) -> None:
        self.log.append(self.name)
        self.dies(0)

    def dies(self, code: int) -> None:
        if not self._death.done():
            self._death.set_result(code)


@pytest.fixture
def log() -> list[str]:
    return []


async def running(supervisor: Supervisor, log: list[str], *names: str) -> list[Puppet]:
    puppets = [Puppet(log, name) for name in names]
    for puppet in puppets:
        await supervisor.start(**{puppet.name: puppet})
    return puppets


async def test_a_part_that_dies_is_started_again(log: list[str]) -> None:
    supervisor = Supervisor(SystemClock())
    [store] = await running(supervisor, log, "store")
    store.dies(-9)

    async def back() -> bool:
        return store.starts == 2

    await eventually(back, within_s=2)
    await supervisor.stop()


async def test_parts_stop_in_the_reverse_order_of_their_start(log: list[str]) -> None:
    supervisor = Supervisor(SystemClock())
    await running(supervisor, log, "postgres", "payment", "store")
    await supervisor.stop()

    assert log == ["store", "payment", "postgres"]


async def test_bad_configuration_ends_the_run_at_once_with_its_code(log: list[str]) -> None:
    supervisor = Supervisor(SystemClock())
    payment, store = await running(supervisor, log, "payment", "store")
    store.dies(78)

    with pytest.raises(PartFailed) as failed:
        await supervisor.until_told()

    assert failed.value.exit_code == 78
    assert store.starts == payment.starts == 1
    assert log == ["store", "payment"]


class HurriedClock(SystemClock):
    """A second passes at each look, so that five deaths fall within a minute."""

    def __init__(self) -> None:
        self.at = 0.0

    def monotonic(self) -> float:
        self.at += 1
        return self.at


async def test_a_part_that_keeps_dying_ends_the_run(
    log: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pasar.cli.supervisor._BACKOFF_FIRST_S", 0.001)
    supervisor = Supervisor(HurriedClock())
    [store] = await running(supervisor, log, "store")

    async def dies_whenever_started() -> None:
        for start in range(1, 6):

            async def started(start: int = start) -> bool:
                return store.starts == start

            await eventually(started)
            store.dies(1)

    dying = asyncio.create_task(dies_whenever_started())
    with pytest.raises(PartFailed, match="store"):
        await supervisor.until_told()
    await dying

    assert store.starts == 5
