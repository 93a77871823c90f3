"""
One child process: a log file, a process group of its own, death with its parent, orderly stop.

Knows nothing of any engine. Polls instead of using asyncio's children, so that a process outlives
the event loop that started it (tests have one loop each).
"""

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from signal import Signals
from typing import BinaryIO, Final

from pasar.engines.errors import EX_CONFIG, EngineDied, EngineError, Refused, StartingUp
from pasar.engines.stub import EX_NOT_FOUND

READY_LIMIT_S: Final = 30.0  # crash recovery of a large database takes its time
_FIRST_POLL_S: Final = 0.01  # engines are ready after 40-70 ms
_LATER_POLL_S: Final = 0.05
_KILL_LIMIT_S: Final = 10.0
_WATCH_POLL_S: Final = 0.1
_LOG_LINES_SHOWN: Final = 3  # PostgreSQL: what happened, detail, hint
_LOG_LIMIT_BYTES: Final = 8 * 1024 * 1024
# Nothing of ours is inherited: PG* variables would steer PostgreSQL, another language its messages.
_ENVIRON: Final = {"LC_ALL": "C", "PATH": os.defpath}
_SOURCE: Final = str(Path(__file__).parents[2])
_STUB: Final = (
    f"import sys; sys.path.insert(0, {_SOURCE!r});"
    " from pasar.engines.stub import main; main(sys.argv[1:])"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What to run. `private`: the folder for whose sake root steps down; None = root may stay."""

    name: str
    command: tuple[str, ...]
    log: Path
    death_signal: Signals = Signals.SIGTERM
    private: Path | None = None


class ChildProcess:
    """A running engine. Start it from the main thread: the death signal is tied to the thread."""

    def __init__(self, launch: Launch) -> None:
        if threading.current_thread() is not threading.main_thread():
            msg = "an engine started from a worker thread would end with that thread"
            raise RuntimeError(msg)
        self._launch = launch
        with _open_log(launch.log) as log:
            self._process = subprocess.Popen(  # noqa: S603  the launcher's own command lines
                bound_to_parent(launch.command, launch.death_signal, launch.private),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_ENVIRON,
                start_new_session=True,
                umask=0o077,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return self._process.poll()

    async def wait(self) -> int:
        """Return the exit code once the process has ended, at most 0.1 s late."""
        return await self._poll(_WATCH_POLL_S)

    async def succeed(self, limit_s: float) -> None:
        """
        Wait until a command has done its work.

        Raises:
            EngineDied: it failed, or was ended here because it took longer than the limit.
            EngineError: root cannot step down on this machine.
        """
        try:
            async with asyncio.timeout(limit_s):
                code = await self._poll(_FIRST_POLL_S)
        except TimeoutError:
            raise EngineDied(f"{self._launch.name} took over {limit_s:g} s") from None
        finally:
            await self.stop((Signals.SIGKILL, _KILL_LIMIT_S))
        if code != 0:
            raise self._end(code)

    async def until_ready(
        self, greet: Callable[[], Awaitable[str]], limit_s: float = READY_LIMIT_S
    ) -> str:
        """
        Ask until the engine answers, and return what it says: its version.

        Raises:
            EngineDied: it ended, or did not answer within the limit.
            EngineError: root cannot step down on this machine, or the engine's data were made
                with other passwords.
        """
        started = time.monotonic()
        while (waited_s := time.monotonic() - started) < limit_s:
            if (code := self.exit_code) is not None:
                raise self._end(code)
            try:
                return await greet()
            except (StartingUp, OSError):
                await asyncio.sleep(_FIRST_POLL_S if waited_s < 1 else _LATER_POLL_S)
            except Refused as fault:
                raise EngineError(
                    f"our own {self._launch.name} {fault}; was secrets.json replaced?"
                ) from None
        raise EngineDied(f"{self._launch.name} was not ready within {limit_s:g} s{self._see_log()}")

    async def stop(self, *steps: tuple[Signals, float]) -> None:
        """
        Send each signal in turn until the process is gone, waiting the given seconds after each.

        Raises:
            EngineError: it outlived the last step.
        """
        for signal, patience_s in steps:
            if self.exit_code is not None:
                return
            self._process.send_signal(signal)
            with suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    await self._poll(_FIRST_POLL_S)
        if self.exit_code is None:
            raise EngineError(f"{self._launch.name} (pid {self.pid}) does not stop")

    async def _poll(self, every_s: float) -> int:
        while (code := self.exit_code) is None:  # noqa: ASYNC110  a death sets no event
            await asyncio.sleep(every_s)
        return code

    def _end(self, code: int) -> EngineError:
        stepped_down = self._launch.private is not None and os.geteuid() == 0
        if stepped_down and code in {EX_CONFIG, EX_NOT_FOUND}:
            return EngineError(
                f"{self._launch.name} does not run as root here; "
                "start pasar as an ordinary user or set DB_HOST"
            )
        return EngineDied(f"{self._launch.name} ended with code {code}{self._see_log()}")

    def _see_log(self) -> str:
        lines = self._launch.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return f": {' / '.join(lines[-_LOG_LINES_SHOWN:]) or 'no word'} (see {self._launch.log})"


def bound_to_parent(
    command: Sequence[str], death_signal: Signals, private: Path | None = None
) -> list[str]:
    """
    Return the command line that gets `death_signal` when this process dies, however it dies.

    With `private`, root steps down to nobody for the sake of that folder.
    """
    stub = [sys.executable, "-I", "-S", "-c", _STUB]
    return [*stub, str(os.getpid()), str(death_signal.value), str(private or ""), *command]


def _open_log(path: Path) -> BinaryIO:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > _LOG_LIMIT_BYTES:
        path.replace(path.with_suffix(".old.log"))
    return os.fdopen(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600), "ab")
