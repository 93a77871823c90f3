"""The Go programs of the bench: building them, and the load generator's results as they come."""

import asyncio
import shutil
from collections.abc import AsyncGenerator
from signal import Signals

import msgspec

from bench.report import Measurement
from bench.shop import BINARIES, ROOT, BenchFailed
from pasar.engines.process import bound_to_parent


async def build(*names: str) -> None:
    """Build these of `shopload` and `yardstick`. Raises BenchFailed."""
    if shutil.which("go") is None:
        raise BenchFailed("the load generator and the yardstick need Go")
    for name in names:
        compiler = await asyncio.create_subprocess_exec(
            "go", "build", "-o", str(BINARIES / name), ".", cwd=ROOT / "bench" / name
        )
        if await compiler.wait():
            raise BenchFailed(f"bench/{name} does not build")


async def shopload(*arguments: str) -> AsyncGenerator[Measurement]:
    """Run the load generator; it goes on while a result is looked at. Raises BenchFailed."""
    command = [str(BINARIES / "shopload"), "-json", *arguments]
    process = await asyncio.create_subprocess_exec(
        *bound_to_parent(command, Signals.SIGKILL), stdout=asyncio.subprocess.PIPE
    )
    if process.stdout is None:
        raise BenchFailed("the load generator has no output")
    async for line in process.stdout:
        yield msgspec.json.decode(line, type=Measurement)
    if await process.wait():
        raise BenchFailed("the load generator gave up")
