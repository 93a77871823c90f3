"""What a supervisor may do with any engine; each engine adds how it starts."""

from abc import ABC, abstractmethod
from pathlib import Path
from signal import Signals
from typing import ClassVar

from pasar.engines.process import ChildProcess


class Engine(ABC):
    """
    A server of ours, made of one child process.

    `data`: where it keeps what it knows; None if it keeps nothing.
    """

    stop_steps: ClassVar[tuple[tuple[Signals, float], ...]] = (
        (Signals.SIGTERM, 10.0),  # 0.08 s when idle; ten for a full disk queue
        (Signals.SIGKILL, 10.0),
    )

    def __init__(self, data: Path | None) -> None:
        self.data = data
        self._child: ChildProcess | None = None

    @abstractmethod
    async def start(self) -> str:
        """
        Start, after a death or a stop too; wait until it answers; return the version.

        Raises:
            EngineError: the machine or the data do not allow it.
            EngineDied: it ended before it was ready; its last words are in the sentence.
        """

    @property
    def child(self) -> ChildProcess:
        """The process of the last start; raises RuntimeError before the first."""
        if self._child is None:
            msg = "this engine was not started"
            raise RuntimeError(msg)
        return self._child

    async def wait(self) -> int:
        """Return the exit code once it has ended, for whatever reason."""
        return await self.child.wait()

    async def stop(self) -> None:
        """End it cleanly. Harmless if it runs no more. Raises EngineError if it does not end."""
        if self._child is not None:
            await self._child.stop(*self.stop_steps)
