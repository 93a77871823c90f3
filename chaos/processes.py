"""What can be done to any process, and asked of it, by its id or its port."""

import asyncio
import os
import resource
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from signal import Signals
from typing import Final

_ANSWER_LIMIT_S: Final = 2.0


class HarnessFailed(Exception):
    """No verdict about the shop is possible; `str()` says why."""


@contextmanager
def frozen(pids: Sequence[int]) -> Generator[None]:
    """Freeze processes for the length of a block; those that died meanwhile are left alone."""
    _signal(pids, Signals.SIGSTOP)
    try:
        yield
    finally:
        _signal(pids, Signals.SIGCONT)


@contextmanager
def no_room(pids: Sequence[int]) -> Generator[None]:
    """Refuse processes every write into a file, as a full disk does, for the length of a block."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    _limit(pids, (0, hard))
    try:
        yield
    finally:
        _limit(pids, (soft, hard))


def _signal(pids: Sequence[int], number: Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _limit(pids: Sequence[int], size: tuple[int, int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, size)


def descendants(pid: int, word: str = "") -> list[int]:
    """Return the processes below one whose command line contains the word."""
    found: list[int] = []
    with suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            command = Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            found += [int(child)] if word in command else []
            found += descendants(int(child), word)
    return found


async def answers(port: int, question: bytes) -> bool:
    """Say whether somebody listens there and, if asked something, says anything."""
    with suppress(OSError):
        async with asyncio.timeout(_ANSWER_LIMIT_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(question)
                return not question or bool(await reader.read(1))
            finally:
                writer.transport.abort()
    return False
