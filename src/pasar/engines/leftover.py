"""Engines that outlived their supervisor: recognised by their command line, then stopped."""

import asyncio
import os
import subprocess
import time
from pathlib import Path
from signal import Signals
from typing import Final

from pasar.engines.errors import EngineError

_STOP_LIMIT_S: Final = 10.0
_POLL_S: Final = 0.02
_PS_LIMIT_S: Final = 5.0


def command_line(pid: int) -> str:
    """Return how the process was started, or "" if there is none."""
    entry = Path(f"/proc/{pid}/cmdline")
    if entry.exists():
        return entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
    if Path("/proc/self").exists():
        return ""
    listed = subprocess.run(  # noqa: S603  macOS; a number is all it is given
        ["/bin/ps", "-o", "command=", "-p", str(pid)],
        capture_output=True,
        text=True,
        timeout=_PS_LIMIT_S,
        check=False,
    )
    return listed.stdout.strip()


async def stop_leftover(pid: int, signal: Signals) -> None:
    """Send the signal and wait up to 10 s until the process is gone. Raises EngineError."""
    os.kill(pid, signal)
    deadline = time.monotonic() + _STOP_LIMIT_S
    while command_line(pid):
        if time.monotonic() > deadline:
            raise EngineError(f"an engine of an earlier run (pid {pid}) does not stop")
        await asyncio.sleep(_POLL_S)
