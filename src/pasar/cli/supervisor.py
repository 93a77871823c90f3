"""
What `pasar up` and `pasar store` keep alive: restart with back-off, stop in order.

A part that dies is started again after 0.2 s, doubling to 5 s; five deaths within a minute, or one
for bad configuration (exit 78), end the run. Groups stop in the reverse order of their start.
"""

import asyncio
import contextlib
import signal
from collections import deque
from dataclasses import dataclass, field
from typing import Final, Protocol

from pasar.kit import log
from pasar.kit.clock import Clock

EX_CONFIG: Final = 78
_BACKOFF_FIRST_S: Final = 0.2
_BACKOFF_MAX_S: Final = 5.0
_DEATHS: Final = 5  # within _WINDOW_S: it will not get better by itself
_WINDOW_S: Final = 60.0


class Process(Protocol):
    """Something that runs: an engine of `pasar.engines`, or a service of `cli/services.py`."""

    async def start(self) -> object:
        """Start, again after a death too."""
        ...

    async def wait(self) -> int:
        """Return the exit code once it has ended, for whatever reason."""
        ...

    async def stop(self) -> None:
        """End it cleanly; harmless if it runs no more."""
        ...


class PartFailed(Exception):
    """A part cannot be kept alive; `exit_code` is what the run should end with."""

    def __init__(self, name: str, code: int) -> None:
        super().__init__(f"{name} cannot be kept running, last exit code {code}")
        self.exit_code = code if code > 0 else 1


@dataclass(slots=True)
class _Kept:
    name: str
    process: Process
    deaths: deque[float] = field(default_factory=lambda: deque(maxlen=_DEATHS))


class Supervisor:
    """Keeps processes alive until told to stop. To be used from the main thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._log = log.get("supervisor")
        self._groups: list[list[_Kept]] = []
        self._keepers: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def start(self, **processes: Process) -> None:
        """Start named processes as one group; they run when this returns, ready or not."""
        await asyncio.gather(*(process.start() for process in processes.values()))
        self.adopt(**processes)

    def adopt(self, **processes: Process) -> None:
        """Keep alive what runs already, as one group."""
        group = [_Kept(name, process) for name, process in processes.items()]
        self._groups.append(group)
        self._keepers += [asyncio.create_task(self._keep(kept)) for kept in group]

    async def stop(self) -> None:
        """Stop everything, the last group first."""
        self._stopping.set()
        for group in reversed(self._groups):
            await asyncio.gather(*(kept.process.stop() for kept in group))
        await asyncio.gather(*self._keepers)

    async def until_told(self) -> None:
        """
        Run until SIGINT or SIGTERM, then stop everything; a second signal changes nothing here.

        Raises PartFailed, after the stop, when a part could not be kept alive.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stopping.set)
        told = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait((told, self._failed), return_when=asyncio.FIRST_COMPLETED)
        await self.stop()
        await told
        if self._failed.done():
            await self._failed

    async def _keep(self, kept: _Kept) -> None:
        while True:
            code = await kept.process.wait()
            if self._stopping.is_set():
                return
            pause_s = self._judge(kept, code)
            if pause_s is None:
                return
            self._log.warning("part died", name=kept.name, code=code, restart_in_s=pause_s)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._stopping.wait()
                return
            await kept.process.start()
            if self._stopping.is_set():  # meanwhile: `stop` has passed this one already
                await kept.process.stop()

    def _judge(self, kept: _Kept, code: int) -> float | None:
        """Return the seconds to wait before the restart, or None when there will be none."""
        now = self._clock.monotonic()
        kept.deaths.append(now)
        crowded = len(kept.deaths) == _DEATHS and now - kept.deaths[0] < _WINDOW_S
        if code == EX_CONFIG or crowded:
            if not self._failed.done():
                self._failed.set_exception(PartFailed(kept.name, code))
            return None
        recent = sum(now - death < _WINDOW_S for death in kept.deaths)
        return float(min(_BACKOFF_FIRST_S * 2 ** (recent - 1), _BACKOFF_MAX_S))
