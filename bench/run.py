"""
`make bench`: our shop and the Go yardstick on the same fresh engines, under the same load.

`SCENARIO=product` measures one scenario and writes nothing; `ROUNDS=1` is quick; `BROKER=streams`
takes that broker.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from bench import report
from bench.footprint import Footprint, memory
from bench.footprint import table as footprint
from bench.limit import checkouts_per_s
from bench.load import build, shopload
from bench.shop import (
    BINARIES,
    DATA,
    READY_LIMIT_S,
    ROOT,
    BenchFailed,
    ask,
    audit,
    child,
    listens,
    ready_in_s,
    shop,
    still_there,
    versions,
)
from pasar.engines.datadir import Run
from pasar.engines.ports import any_free

RESULTS: Final = ROOT / "bench" / "RESULTS.md"
PICTURE: Final = ROOT / "bench" / "results.svg"
Measured = Sequence[report.Measurement]

YARDSTICK_DATABASE: Final = "yardstick"

ROUNDS: Final = 5  # without ROUNDS
SECONDS: Final = 3.0  # of one measurement, after a quarter of it to warm up
DRAINED_ORDERS: Final = 1000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was found; `ours` is the URL by which our measurements are told from theirs."""

    measured: Measured
    ours: str
    taken: Footprint
    versions: Mapping[str, str]

    def tables(self) -> str:
        return f"{report.table(self.measured, self.ours)}\n\n{footprint(self.taken)}"


@asynccontextmanager
async def yardstick(run: Run) -> AsyncGenerator[str]:
    """Run the yardstick on the shop's engines, in a database of its own; yields its URL."""
    await ask(run, f"CREATE DATABASE {YARDSTICK_DATABASE}")
    port = str(any_free("127.0.0.1"))
    variables = {**run.variables, "DB_NAME": YARDSTICK_DATABASE, "APP_PORT": port}
    async with child("yardstick", str(BINARIES / "yardstick"), **variables) as process:
        async with asyncio.timeout(READY_LIMIT_S):
            while not await listens(int(port)):
                await still_there("yardstick", process)
        yield f"http://127.0.0.1:{port}"


async def load(ours: str, theirs: str, *arguments: str) -> Measured:
    """Run the load generator over both servers in turn, and tell each result as it comes."""
    measured: list[report.Measurement] = []
    async for one in shopload("-base", ours, "-vs", theirs, *arguments):
        whose = "ours" if one.base == ours else "yardstick"
        print(f"{one.scenario:13} {whose:10} {one.ops_per_s:9,.0f}/s", flush=True)
        measured.append(one)
    return measured


async def compare(run: Run, theirs: str, names: Sequence[str], rounds: int) -> Measured:
    """Fill both shops a little, let PostgreSQL look at both, then measure."""
    ours = run.urls["store"]
    print("warming up", flush=True)
    await load(ours, theirs, "-scenarios", "checkout", "-seconds", "1", "-rounds", "1")
    await ask(run, "VACUUM ANALYZE")
    await ask(run, "VACUUM ANALYZE", YARDSTICK_DATABASE)
    print("measuring", flush=True)
    steps = ",".join(name for name in names if name != "drain")
    drain = str(DRAINED_ORDERS if "drain" in names else 0)
    lengths = ("-rounds", str(rounds), "-seconds", str(SECONDS))
    return await load(ours, theirs, "-scenarios", steps, *lengths, "-drain", drain)


async def measure(names: Sequence[str], rounds: int) -> Outcome:
    """Run the scenarios on a shop made anew, audit it, and start it once more."""
    await build("shopload", "yardstick")
    async with shop() as run, yardstick(run) as theirs:
        fresh_s = ready_in_s()
        measured = await compare(run, theirs, names, rounds)
        store, payment = memory(run)
        await audit()
        software = {**report.installed(), **await versions(run), "broker": run.variables["BROKER"]}
    async with shop(again=True):
        taken = Footprint(store, payment, fresh_s, again_s=ready_in_s())
    return Outcome(measured, run.urls["store"], taken, software)


async def bench(rounds: int) -> tuple[str, str]:
    """Measure everything; return bench/RESULTS.md and its picture."""
    found = await measure(list(report.TARGETS), rounds)
    async with shop() as run:  # alone: the yardstick's processes take nothing from the limit
        limit = await checkouts_per_s(run)
    setting = report.Setting(rounds, found.taken, limit, found.versions)
    print(found.tables())
    page = report.page(found.measured, found.ours, setting)
    return page, report.picture(found.measured, found.ours)


async def bench_one(name: str, rounds: int) -> str:
    """Measure one scenario; return its tables."""
    return (await measure([name], rounds)).tables()


def main() -> None:
    chosen, rounds = os.environ.get("SCENARIO"), int(os.environ.get("ROUNDS") or ROUNDS)
    if chosen and chosen not in report.TARGETS:
        raise SystemExit(f"bench: SCENARIO={chosen} is none of {', '.join(report.TARGETS)}")
    try:
        if chosen:
            print(asyncio.run(bench_one(chosen, rounds)))
        else:
            page, picture = asyncio.run(bench(rounds))
            RESULTS.write_text(page, encoding="utf-8")
            PICTURE.write_text(picture, encoding="utf-8")
    except BenchFailed as fault:
        raise SystemExit(f"bench: {fault}") from None
    except TimeoutError:
        raise SystemExit(f"bench: a server came or went too slowly; see {DATA}") from None


if __name__ == "__main__":
    main()
