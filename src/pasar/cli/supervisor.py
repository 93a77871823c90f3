"""
What `pasar up` and `pasar store` keep alive: restart with back-off, stop in order.

One mechanism for engines and services. Groups stop in the reverse order of their start.
"""

import asyncio
import signal
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Final, Protocol

from pasar.engines.errors import EX_CONFIG, EngineDied
from pasar.kit import log
from pasar.kit.backoff import Backoff
from pasar.kit.clock import Clock
from pasar.kit.waiting import happens

RESTART: Final = Backoff(first_s=0.2, cap_s=5.0)
_DEATHS: Final = 5  # within _WINDOW_S: it will not get better by itself
_WINDOW_S: Final = 60.0

_log: Final = log.get("supervisor")


class Process(Protocol):
    """Something that runs: an engine of `pasar.engines`, or a service of `cli/service.py`."""

    async def start(self) -> object:
        """Start, again after a death too. Raises EngineDied when that is worth another try."""
        ...

    async def wait(self) -> int:
        """Return the exit code once it has ended, for whatever reason."""
        ...

    async def stop(self) -> None:
        """End it cleanly; harmless if it runs no more, or never did."""
        ...


class PartFailed(Exception):
    """A part cannot be kept alive; `exit_code` is what the run should end with."""

    def __init__(self, name: str, reason: str, exit_code: int = 1) -> None:
        super().__init__(f"{name} {reason}")
        self.name = name
        self.exit_code = exit_code


@dataclass(slots=True)
class _Kept:
    name: str
    process: Process
    deaths: deque[float] = field(default_factory=lambda: deque(maxlen=_DEATHS))


class Supervisor:
    """
    Starts processes and keeps them alive until told to stop. To be used from the main thread.

    `hurry` is set by a second signal: what drains looks at it. Engines do not, so that nothing cuts
    their clean stop short.
    """

    def __init__(self, clock: Clock, restart: Backoff = RESTART) -> None:
        self.hurry = asyncio.Event()
        self._clock = clock
        self._restart = restart
        self._groups: list[list[_Kept]] = []
        self._keepers: list[asyncio.Future[None]] = []
        self._stopping = asyncio.Event()
        self._fault: BaseException | None = None

    async def run(self, start: Callable[[], Coroutine[object, object, None]]) -> None:
        """
        Await `start`, which calls `start` and `adopt`; then run until SIGINT or SIGTERM, and stop.

        A signal or a fault before all is started stops what was.

        Raises:
            PartFailed: a part died five times within a minute, or refuses its configuration.
            Exception: what `start` raised, or the restart of a part.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._told)
        starting = self._watched(start())
        try:
            await self._stopping.wait()
        finally:
            self._stopping.set()
            starting.cancel()
            await asyncio.wait([starting])
            await self._stop()
        if self._fault is not None:
            raise self._fault

    async def start(self, **processes: Process) -> None:
        """Start named processes as one group; they run when this returns, ready or not."""
        group = self._group(processes)
        await asyncio.gather(*(kept.process.start() for kept in group))
        self._keep_alive(group)

    def adopt(self, **processes: Process) -> None:
        """Keep alive what runs already, as one group."""
        self._keep_alive(self._group(processes))

    def _told(self) -> None:
        if self._stopping.is_set():
            self.hurry.set()
        self._stopping.set()

    def _group(self, processes: dict[str, Process]) -> list[_Kept]:
        """Note the group before it is started: a start that is cut short is stopped as well."""
        group = [_Kept(name, process) for name, process in processes.items()]
        self._groups.append(group)
        return group

    def _keep_alive(self, group: list[_Kept]) -> None:
        self._keepers += [self._watched(self._keep(kept)) for kept in group]

    def _watched(self, work: Awaitable[None]) -> "asyncio.Future[None]":
        task = asyncio.ensure_future(work)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Future[None]") -> None:
        """End the run by the first fault; what follows from stopping is none."""
        fault = None if task.cancelled() else task.exception()
        if fault is not None and not self._stopping.is_set():
            self._fault = fault
            self._stopping.set()

    async def _stop(self) -> None:
        for group in reversed(self._groups):
            await asyncio.gather(*(kept.process.stop() for kept in group))
        if self._keepers:
            await asyncio.wait(self._keepers)

    async def _keep(self, kept: _Kept) -> None:
        code = await kept.process.wait()
        while not self._stopping.is_set():
            pause_s = self._pause_s(kept, code)
            _log.warning("part died", name=kept.name, code=code, restart_in_s=round(pause_s, 2))
            if await happens(self._stopping, within_s=pause_s):
                return
            code = await self._lived(kept)

    async def _lived(self, kept: _Kept) -> int:
        """Start it, and return the code of its next death."""
        try:
            await kept.process.start()
        except EngineDied as fault:
            _log.warning("part did not start", name=kept.name, reason=str(fault))
            return fault.exit_code
        if self._stopping.is_set():  # meanwhile: `_stop` may have passed this one already
            await kept.process.stop()
        return await kept.process.wait()

    def _pause_s(self, kept: _Kept, code: int) -> float:
        """Note a death and return the seconds until the restart. Raises PartFailed."""
        if code == EX_CONFIG:
            raise PartFailed(kept.name, "refuses its configuration", EX_CONFIG)
        now = self._clock.monotonic()
        kept.deaths.append(now)
        recent = sum(now - death < _WINDOW_S for death in kept.deaths)
        if recent == _DEATHS:
            raise PartFailed(
                kept.name, f"died {_DEATHS} times in {_WINDOW_S:.0f} s, last with code {code}"
            )
        return self._restart.delay_s(recent)
