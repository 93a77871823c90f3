"""
The processes of a run under one supervisor: it restarts what it kills, and notes who died unasked.

A part is an engine or a service of ours; the processes that `pasar store` keeps itself are found by
their command line and come back by themselves.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from signal import Signals
from typing import Final, Protocol

from chaos import clock
from chaos.processes import HarnessFailed, answers, descendants
from pasar.engines.engine import Engine
from pasar.engines.errors import EngineDied
from pasar.engines.process import bound_to_parent

START_LIMIT_S: Final = 60.0  # two cores shared with a load and a test suite; 1-4 s are usual
STOP_LIMIT_S: Final = 50.0  # the services' own grace is 40 s
_POLL_S: Final = 0.05
_AGAIN_S: Final = 0.3  # `pasar store` refuses to start while its database is away


State = Callable[[Sequence[int]], AbstractContextManager[None]]
"""What processes can be in for a while: `processes.frozen` or `processes.no_room`."""


class Process(Protocol):
    """What can be started anew after each death."""

    async def start(self) -> object:
        """Start, and return once it is ready or, if it cannot be, has ended."""
        ...

    async def wait(self) -> int:
        """Return the exit code once it has ended."""
        ...

    async def stop(self) -> None:
        """End it cleanly; harmless if it runs no more."""
        ...

    @property
    def pid(self) -> int: ...


class EngineProcess:
    """An engine of `pasar.engines`."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def start(self) -> object:
        return await self.engine.start()

    async def wait(self) -> int:
        return await self.engine.wait()

    async def stop(self) -> None:
        await self.engine.stop()

    @property
    def pid(self) -> int:
        return self.engine.child.pid


class ServiceProcess:
    """
    One `pasar` command with a log file; ready when its port is open and answers the question.

    An open port alone is no store: it listens before it knows whether it can serve.
    """

    def __init__(
        self,
        command: str,
        port: int,
        variables: Mapping[str, str],
        log: Path,
        question: bytes = b"",
    ) -> None:
        self._command = command
        self._port = port
        self._variables = variables
        self._log = log
        self._question = question
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *bound_to_parent([sys.executable, "-m", "pasar", self._command], Signals.SIGKILL),
                env={**os.environ, **self._variables},
                stderr=log,
                start_new_session=True,
            )
        child, port = self._process, self._port
        while child.returncode is None and not await answers(port, self._question):  # noqa: ASYNC110  no event says so
            await asyncio.sleep(_POLL_S)

    async def wait(self) -> int:
        code = await self._running.wait()
        clock.tidy(self.pid)
        return code

    async def stop(self) -> None:
        if self._running.returncode is None:
            self._running.terminate()
        await self.wait()

    @property
    def pid(self) -> int:
        return self._running.pid

    @property
    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise HarnessFailed(f"{self._command} was never started")
        return self._process


class Part:
    """
    One process that is kept alive.

    `busy`: one fault at a time. `surprises`: deaths nobody here asked for; `kills`: by SIGKILL.
    """

    def __init__(self, name: str, process: Process) -> None:
        self.name = name
        self.process = process
        self.busy = asyncio.Lock()
        self.surprises: list[str] = []
        self.kills = 0
        self._wanted = asyncio.Event()
        self._lives = asyncio.Event()
        self._dead = asyncio.Event()
        self._wanted.set()

    async def keep(self) -> None:
        """Start it, again after each death, until cancelled."""
        while True:
            await self._wanted.wait()
            async with asyncio.timeout(START_LIMIT_S):
                await self._revive()
            self._dead.clear()
            self._lives.set()
            code = await self.process.wait()
            self._lives.clear()
            self._dead.set()
            if self._wanted.is_set():
                self.surprises.append(f"{self.name} ended by itself with code {code}")

    async def lives(self) -> None:
        """Wait until it is ready."""
        await self._lives.wait()

    async def strike(self, number: Signals, away_s: float) -> None:
        """End it by the signal, leave it dead for so long, and return when it is ready again."""
        async with self.busy:
            await self.lives()
            self._wanted.clear()
            self.kills += number == Signals.SIGKILL
            os.kill(self.process.pid, number)
            async with asyncio.timeout(STOP_LIMIT_S):
                await self._dead.wait()
            await asyncio.sleep(away_s)
            self._wanted.set()
            await self.lives()

    async def under(self, state: State, for_s: float, word: str = "") -> None:
        """Keep its processes in a state, or those whose command line contains the word."""
        async with self.busy:
            await self.lives()
            own = [] if word else [self.process.pid]
            with state([*own, *descendants(self.process.pid, word)]):
                await asyncio.sleep(for_s)

    async def stop(self) -> None:
        self._wanted.clear()
        await self.process.stop()

    async def _revive(self) -> None:
        while True:
            with suppress(EngineDied):
                await self.process.start()
                if await _alive(self.process):
                    return
            await asyncio.sleep(_AGAIN_S)


async def _alive(process: Process) -> bool:
    """Say whether it still runs now that its start has returned."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_POLL_S):
            await process.wait()
            return False
    return True
