"""
A wall clock of its own for each service: libfaketime adds to it what a file says.

Only to that one: deadlines and timers run on the monotonic clock, and files keep their times.
"""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from chaos.processes import HarnessFailed

_WHEEL: Final = find_spec("libfaketime")  # found, not imported: only the library inside is used
_LIBRARY: Final = "vendor/libfaketime/src/libfaketime.so.1"
SHARED: Final = Path("/dev/shm")  # noqa: S108  where the library keeps a semaphore per process


class Clock:
    """The file that tells a service what to add to the time; read again within 2 s."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._write(0)

    @property
    def variables(self) -> Mapping[str, str]:
        """What a process is started with to go by this clock; nothing where there is no library."""
        if _WHEEL is None or _WHEEL.origin is None:
            return {}
        return {
            "LD_PRELOAD": str(Path(_WHEEL.origin).parent / _LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",  # seconds, without their fraction
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }

    def shift(self, by_s: int) -> None:
        """Let it go ahead of the true time, or behind. Raises HarnessFailed without the library."""
        if not self.variables:
            raise HarnessFailed("a shifted clock needs libfaketime: Linux on x86-64")
        self._write(by_s)

    def _write(self, by_s: int) -> None:
        new = self._file.with_suffix(".new")
        new.write_text(f"{by_s:+}\n")
        new.replace(self._file)  # at once: no reader sees half of it


def tidy(pid: int) -> None:
    """Remove what the library leaves behind of a process that was killed."""
    for kind in ("sem.faketime_sem", "faketime_shm"):
        (SHARED / f"{kind}_{pid}").unlink(missing_ok=True)
