"""
`make bench`: our shop and the Go yardstick on the same fresh engines, under the same load.

The shop is what `pasar up` starts, with its limits raised and a bank that answers at once;
durability and logging stay as in production. `SCENARIO=product` measures one scenario and writes
nothing; `BROKER=streams` takes that broker. Everything is stopped at the end, however it comes.
"""

import asyncio
import os
import secrets
import shutil
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from signal import Signals
from typing import Final

import msgspec

from bench import report
from pasar.engines.datadir import Run, running
from pasar.engines.ports import any_free
from pasar.engines.process import bound_to_parent
from pasar.kit import settings
from pasar.kit.postgres import PostgresDatabase
from pasar.kit.redis import Redis
from pasar.store_service.config import StoreConfig

ROOT: Final = Path(__file__).parents[1]
BINARIES: Final = ROOT / ".local" / "bin"
DATA: Final = ROOT / ".local" / "bench"
RESULTS: Final = ROOT / "bench" / "RESULTS.md"
YARDSTICK_DATABASE: Final = "yardstick"

ROUNDS: Final = 3
SECONDS: Final = 4.0  # of one measurement, after a quarter of it to warm up
DRAINED_ORDERS: Final = 1000
READY_LIMIT_S: Final = 60.0
STOP_LIMIT_S: Final = 60.0  # the services' own grace is 40 s
POLL_S: Final = 0.1
VACUUM_LIMIT_S: Final = 60.0


class BenchFailed(Exception):
    """The figures cannot be had; `str()` says why in one sentence."""


def shop_variables() -> dict[str, str]:
    """Name free ports for everything: no server that happens to run here is taken for ours."""
    ports = ("APP_PORT", "PAYMENT_GRPC_PORT", "DB_PORT", "REDIS_PORT")
    return {
        **{name: str(any_free("127.0.0.1")) for name in ports},
        "DB_HOST": "127.0.0.1",
        "REDIS_HOST": "127.0.0.1",
        "PASAR_DATA_DIR": str(DATA),
        # More web processes have no room beside the yardstick in the embedded PostgreSQL, and two
        # cores are what the targets are for.
        "APP_WORKERS": "2",
        "APP_ENV": "test",  # logs as in production, but lets the seeded admin in
        "JWT_SECRET": secrets.token_hex(32),
        "RATE_LIMIT_PUBLIC": "100000000",
        "RATE_LIMIT_AUTH": "100000000",
        "RATE_LIMIT_LOGIN": "100000000",
        "JWT_ACCESS_EXPIRY": "24h",
        "PAYMENT_DELAY_MIN": "0ms",
        "PAYMENT_DELAY_MAX": "0ms",
    }


@asynccontextmanager
async def shop() -> AsyncGenerator[Run]:
    """Run `pasar up` on a data directory made anew."""
    if running(DATA):
        raise BenchFailed(f"another bench runs on {DATA}")
    shutil.rmtree(DATA, ignore_errors=True)
    DATA.mkdir(mode=0o700, parents=True)
    async with child("shop", sys.executable, "-m", "pasar", "up", **shop_variables()) as process:
        async with asyncio.timeout(READY_LIMIT_S):
            while (run := running(DATA)) is None:
                await still_there("shop", process)
        yield run


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


@asynccontextmanager
async def child(
    name: str, *command: str, **variables: str
) -> AsyncGenerator[asyncio.subprocess.Process]:
    """Run a command, its output in a file; it is told to stop at the end and when we die."""
    with (DATA / f"{name}.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *bound_to_parent(command, Signals.SIGTERM),
            cwd=ROOT,
            env={**os.environ, **variables},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(STOP_LIMIT_S):
            await process.wait()


async def still_there(name: str, process: asyncio.subprocess.Process) -> None:
    """Wait a moment. Raises BenchFailed when the process has ended."""
    await asyncio.sleep(POLL_S)
    if process.returncode is not None:
        raise BenchFailed(f"{name} ended with {process.returncode}; see {DATA / name}.log")


async def listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def ask(run: Run, sql: str, database: str | None = None) -> Mapping[str, str]:
    """Run one statement as the databases' owner; return its one row, if any."""
    service = settings.read(StoreConfig, run.variables).postgres(pool_size=1)
    owner = replace(service, role="none", statement_timeout_s=VACUUM_LIMIT_S)
    server = await PostgresDatabase.open(replace(owner, database=database or owner.database))
    try:
        return await server.fetch_one(sql) or {}
    finally:
        await server.close()


async def load(ours: str, theirs: str, *arguments: str) -> list[report.Measurement]:
    """Run the load generator over both servers in turn, and tell each result as it comes."""
    command = [str(BINARIES / "shopload"), "-json", "-base", ours, "-vs", theirs, *arguments]
    process = await asyncio.create_subprocess_exec(
        *bound_to_parent(command, Signals.SIGKILL), stdout=asyncio.subprocess.PIPE
    )
    if process.stdout is None:
        raise BenchFailed("the load generator has no output")
    measured: list[report.Measurement] = []
    async for line in process.stdout:
        one = msgspec.json.decode(line, type=report.Measurement)
        whose = "ours" if one.base == ours else "yardstick"
        print(f"{one.scenario:13} {whose:10} {one.ops_per_s:9,.0f}/s", flush=True)
        measured.append(one)
    if await process.wait():
        raise BenchFailed("the load generator gave up")
    return measured


async def compare(run: Run, theirs: str, names: Sequence[str]) -> list[report.Measurement]:
    """Fill both shops a little, let PostgreSQL look at both, then measure."""
    ours = run.urls["store"]
    print("warming up", flush=True)
    await load(ours, theirs, "-scenarios", "checkout", "-seconds", "1", "-rounds", "1")
    await ask(run, "VACUUM ANALYZE")
    await ask(run, "VACUUM ANALYZE", YARDSTICK_DATABASE)
    print("measuring", flush=True)
    steps = ",".join(name for name in names if name != "drain")
    drain = str(DRAINED_ORDERS if "drain" in names else 0)
    rounds, seconds = str(ROUNDS), str(SECONDS)
    return await load(
        ours, theirs, "-scenarios", steps, "-rounds", rounds, "-seconds", seconds, "-drain", drain
    )


async def versions(run: Run) -> dict[str, str]:
    """Ask the engines which they are."""
    postgres = await ask(run, "SELECT current_setting('server_version') AS version")
    valkey = Redis.open(settings.read(StoreConfig, run.variables).redis())
    try:
        facts = await valkey.info("server")
    finally:
        await valkey.close()
    return {"PostgreSQL": postgres["version"], "Valkey": str(facts["valkey_version"])}


async def audit() -> None:
    """Recompute every invariant of the shop that was loaded. Raises BenchFailed."""
    print("verifying", flush=True)
    verify = bound_to_parent([sys.executable, "-m", "pasar", "verify"], Signals.SIGKILL)
    process = await asyncio.create_subprocess_exec(
        *verify, env={**os.environ, "PASAR_DATA_DIR": str(DATA)}
    )
    if await process.wait():
        raise BenchFailed("figures of a shop whose books disagree are worth nothing")


async def build() -> None:
    """Build both Go programs. Raises BenchFailed."""
    if shutil.which("go") is None:
        raise BenchFailed("make bench needs Go: the load generator and the yardstick are Go")
    for name in ("shopload", "yardstick"):
        compiler = await asyncio.create_subprocess_exec(
            "go", "build", "-o", str(BINARIES / name), ".", cwd=ROOT / "bench" / name
        )
        if await compiler.wait():
            raise BenchFailed(f"bench/{name} does not build")


async def bench(names: Sequence[str]) -> tuple[str, report.Setting]:
    """Return the table of the named scenarios, and under which conditions it came about."""
    await build()
    async with shop() as run, yardstick(run) as theirs:
        measured = await compare(run, theirs, names)
        await audit()
        setting = report.Setting(
            ROUNDS, run.variables["BROKER"], {**report.installed(), **await versions(run)}
        )
    return report.table(measured, run.urls["store"]), setting


def main() -> None:
    chosen = os.environ.get("SCENARIO")
    if chosen and chosen not in report.TARGETS:
        raise SystemExit(f"bench: SCENARIO={chosen} is none of {', '.join(report.TARGETS)}")
    try:
        compared, setting = asyncio.run(bench([chosen] if chosen else list(report.TARGETS)))
    except BenchFailed as fault:
        raise SystemExit(f"bench: {fault}") from None
    except TimeoutError:
        raise SystemExit(f"bench: a server came or went too slowly; see {DATA}") from None
    print(compared)
    if not chosen:
        RESULTS.write_text(report.page(compared, setting), encoding="utf-8")


if __name__ == "__main__":
    main()
