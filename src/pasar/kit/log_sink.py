"""
Where log lines leave the process: one write for all lines of some milliseconds.

Knows nothing of what a line says; that is `log.py`.
"""

import asyncio
import os
from contextlib import suppress
from typing import Final

FLUSH_AFTER_S: Final = 0.02
"""How long a line may wait for company; a process that is killed outright loses no more."""

MOST_LINES: Final = 1000
"""So many leave without waiting: about 300 kB, ten times what 5,000 requests a second make."""

# POSIX: so many bytes enter a pipe whole, however many processes write their lines into it.
_WHOLE_BYTES: Final = 4096


class Sink:
    """
    A file descriptor that takes lines, in their order.

    Lines of level info wait for the running event loop, all others leave at once, with whatever
    waited before them. `flush` is to be called at the end of the process. A line that cannot be
    written (full disk, reader gone) is lost: no request fails for its log.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lines: list[bytes] = []
        self._flushing: asyncio.AbstractEventLoop | None = None

    def info(self, line: str) -> None:
        self._lines.append(f"{line}\n".encode(errors="replace"))
        if len(self._lines) >= MOST_LINES:
            self.flush()
        elif self._flushing is None or self._flushing.is_closed():
            self._flush_soon()

    def warning(self, line: str) -> None:
        self.write(f"{line}\n")

    error = critical = warning

    def write(self, text: str) -> None:
        """Write what ends with a line break, at once; `logging` writes so too."""
        self._lines.append(text.encode(errors="replace"))
        self.flush()

    def flush(self) -> None:
        self._flushing = None
        lines, self._lines = self._lines, []
        chunk: list[bytes] = []
        size = 0
        for line in lines:
            if size + len(line) > _WHOLE_BYTES:
                self._out(b"".join(chunk))
                chunk, size = [], 0
            chunk.append(line)
            size += len(line)
        self._out(b"".join(chunk))

    def _flush_soon(self) -> None:
        try:
            self._flushing = asyncio.get_running_loop()
        except RuntimeError:
            self.flush()
        else:
            self._flushing.call_later(FLUSH_AFTER_S, self.flush)

    def _out(self, chunk: bytes) -> None:
        with suppress(OSError):
            while chunk:
                chunk = chunk[os.write(self._descriptor, chunk) :]
