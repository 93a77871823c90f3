"""Wait for a condition, never for a time: how tests learn that something came true elsewhere."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

_LOOK_EVERY_S: Final = 0.01
_LOOK_AT_PROCESSES_EVERY_S: Final = 0.02  # which costs more


async def eventually(
    holds: Callable[[], bool | Awaitable[bool]], *, within_s: float = 10, what: str = "it"
) -> None:
    """Ask until the answer is yes."""
    try:
        async with asyncio.timeout(within_s):
            while not (held := holds()) or (isinstance(held, Awaitable) and not await held):
                await asyncio.sleep(_LOOK_EVERY_S)
    except TimeoutError:
        raise AssertionError(f"{what} did not come true within {within_s} s") from None


def wait_until(holds: Callable[[], object], *, within_s: float, what: str = "it") -> None:
    """Ask likewise, in a test of processes, which has no event loop."""
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, f"{what} did not come true within {within_s} s"
        time.sleep(_LOOK_AT_PROCESSES_EVERY_S)
