"""
`make profile SCENARIO=product`: a flame graph of one web process under that scenario.

py-spy looks from outside, so the process runs as it always does. Where the kernel lets nobody look
into a process but its parent (`kernel.yama.ptrace_scope`), it must run as root.
"""

import asyncio
import os
from pathlib import Path
from typing import Final

from bench import report
from bench.load import build, shopload
from bench.shop import ROOT, BenchFailed, processes, shop

PY_SPY: Final = ROOT / ".local" / "profile" / "bin" / "py-spy"
SECONDS: Final = 10
LOOKS_PER_S: Final = 200


async def profile(scenario: str) -> Path:
    """Return the picture's file. Raises BenchFailed."""
    file = ROOT / ".local" / f"profile-{scenario}.svg"
    await build("shopload")
    async with shop() as run:
        # The first round warms up; while its result is read the second has begun.
        lengths = ("-rounds", "2", "-seconds", str(SECONDS))
        rounds = shopload("-base", run.urls["store"], "-scenarios", scenario, *lengths)
        await anext(rounds)
        await record(processes(run, "store-web")[0], file)
        async for seen in rounds:
            print(f"{scenario}, looked at: {seen.ops_per_s:,.0f}/s", flush=True)
    return file


async def record(pid: int, file: Path) -> None:
    """Watch the process for a while. Raises BenchFailed."""
    looks = ("--rate", str(LOOKS_PER_S), "--duration", str(SECONDS), "--output", str(file))
    spy = await asyncio.create_subprocess_exec(str(PY_SPY), "record", "--pid", str(pid), *looks)
    if await spy.wait():
        raise BenchFailed("py-spy could not look into the web process")


def main() -> None:
    scenario = os.environ.get("SCENARIO") or "product"
    if scenario not in report.TARGETS or scenario == "drain":
        raise SystemExit(f"profile: SCENARIO={scenario} is no scenario of the load generator")
    try:
        print(asyncio.run(profile(scenario)))
    except BenchFailed as fault:
        raise SystemExit(f"profile: {fault}") from None


if __name__ == "__main__":
    main()
