"""A clock that is told to go wrong does, in its own process only, and no timer notices."""

import asyncio
import os
import platform
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path

import pytest

from chaos import clock
from chaos.clock import Clock

ASKED = """
import sys, time
for _ in sys.stdin:
    print(time.time(), time.monotonic(), flush=True)
"""
EXACT_S = 30

pytestmark = pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"), reason="libfaketime is for these"
)


@pytest.fixture
def own(tmp_path: Path) -> Clock:
    return Clock(tmp_path / "store-1.clock")


@pytest.fixture
async def service(own: Clock) -> AsyncGenerator[asyncio.subprocess.Process]:
    """Tells both clocks whenever it gets a line."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", ASKED),
        env={**os.environ, **own.variables},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    yield process
    with suppress(ProcessLookupError):
        process.kill()
    await process.communicate()
    clock.tidy(process.pid)


async def wrong_by(service: asyncio.subprocess.Process) -> tuple[float, float]:
    """Return how far its wall clock and its monotonic one are ahead of ours."""
    assert service.stdin
    assert service.stdout
    service.stdin.write(b"\n")
    wall, monotonic = map(float, (await service.stdout.readline()).split())
    return wall - time.time(), monotonic - time.monotonic()


@pytest.mark.parametrize("by_s", [600, -600])
async def test_h30_a_shifted_wall_clock_comes_back_and_the_monotonic_one_never_left(
    service: asyncio.subprocess.Process, own: Clock, by_s: int
) -> None:
    for shift_s in (by_s, 0):
        own.shift(shift_s)
        wall, monotonic = await wrong_by(service)
        while abs(wall - shift_s) > EXACT_S:
            await asyncio.sleep(0.1)
            wall, monotonic = await wrong_by(service)
        assert abs(monotonic) < EXACT_S


async def test_a_killed_process_leaves_nothing_behind(
    service: asyncio.subprocess.Process,
) -> None:
    await wrong_by(service)
    service.kill()
    await service.wait()
    assert left_by(service)

    clock.tidy(service.pid)

    assert not left_by(service)


def left_by(service: asyncio.subprocess.Process) -> list[Path]:
    return [*clock.SHARED.glob(f"*faketime*_{service.pid}")]
