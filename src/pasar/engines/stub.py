"""
The launch stub: becomes the engine after arranging that it dies with its parent.

Run by `process.py` in a Python of its own (`-I -S`, single-threaded: a threaded process may not
enter a user namespace), as: parent's pid, death signal, folder for which root steps down or
nothing, then the engine's command line.
"""

import ctypes
import os
import sys
from pathlib import Path
from typing import Final

from pasar.engines.errors import EX_CONFIG
from pasar.engines.userns import step_down

EX_NOT_FOUND: Final = 127  # as a shell says it: the binary is missing or out of reach
_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h


def main(arguments: list[str]) -> None:
    """Never returns: it becomes the engine or exits (78: root cannot step down; 127: no binary)."""
    parent, death_signal, private, *command = arguments
    if private and os.geteuid() == 0:
        try:
            step_down(Path(private))
        except (OSError, KeyError) as fault:
            sys.stderr.write(f"root cannot step down: {fault!r}\n")
            sys.exit(EX_CONFIG)
    _die_with(int(parent), int(death_signal))
    try:
        os.execv(command[0], command)  # noqa: S606  no shell is wanted
    except OSError as fault:
        sys.stderr.write(f"{command[0]}: {fault}\n")
        sys.exit(EX_NOT_FOUND)


def _die_with(parent: int, death_signal: int) -> None:
    """Last before the engine, because a change of identity clears it. macOS has no such call."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(0)  # the parent went before the arrangement stood
