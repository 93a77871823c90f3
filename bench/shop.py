"""
The shop that is measured: `pasar up` on fresh engines, and what is asked beside the load.

Its limits are raised and its bank answers at once; durability and logging stay as in production.
Everything is stopped at the end, however it comes.
"""

import asyncio
import os
import re
import secrets
import shutil
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from signal import Signals
from typing import Final

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

READY_LIMIT_S: Final = 60.0
STOP_LIMIT_S: Final = 60.0  # the services' own grace is 40 s
POLL_S: Final = 0.1
STATEMENT_LIMIT_S: Final = 600.0  # VACUUM, or a million rows


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
        "DB_POOL_SIZE": "9",
        "APP_ENV": "test",  # logs as in production, but lets the seeded admin in
        "JWT_SECRET": secrets.token_hex(32),
        "RATE_LIMIT_PUBLIC": "100000000",
        "RATE_LIMIT_AUTH": "100000000",
        "RATE_LIMIT_LOGIN": "100000000",
        "DB_SEARCH_TIMEOUT": "8s",  # on a busy machine a figure, not a refusal
        "JWT_ACCESS_EXPIRY": "24h",
        "PAYMENT_DELAY_MIN": "0ms",
        "PAYMENT_DELAY_MAX": "0ms",
    }


@asynccontextmanager
async def shop(*, again: bool = False) -> AsyncGenerator[Run]:
    """Run `pasar up`, on a data directory made anew or on that of the last one."""
    if running(DATA):
        raise BenchFailed(f"another bench runs on {DATA}")
    if not again:
        shutil.rmtree(DATA, ignore_errors=True)
        DATA.mkdir(mode=0o700, parents=True)
    async with child("shop", sys.executable, "-m", "pasar", "up", **shop_variables()) as process:
        async with asyncio.timeout(READY_LIMIT_S):
            while (run := running(DATA)) is None or not _ready():
                await still_there("shop", process)
        yield run


def ready_in_s() -> float:
    """Return how long the running shop says that its start took."""
    said = _ready()
    if said is None:
        raise BenchFailed("the shop does not say how long its start took")
    return float(said[1])


def processes(run: Run, *commands: str) -> list[int]:
    """Return the pids of the shop's parts that run one of these commands. Raises BenchFailed."""
    children = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text(encoding="ascii")
    words = {
        int(child): Path(f"/proc/{child}/cmdline").read_text(encoding="utf-8").split("\0")
        for child in children.split()
    }
    if not (found := [pid for pid, line in words.items() if not set(commands).isdisjoint(line)]):
        raise BenchFailed(f"nobody runs {' or '.join(commands)}")
    return found


@asynccontextmanager
async def child(
    name: str, *command: str, **variables: str
) -> AsyncGenerator[asyncio.subprocess.Process]:
    """Run a command, its output in a file; it is told to stop at the end and when we die."""
    with _log(name).open("wb") as log:
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
        raise BenchFailed(f"{name} ended with {process.returncode}; see {_log(name)}")


async def listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


@asynccontextmanager
async def as_owner(run: Run, database: str | None = None) -> AsyncGenerator[PostgresDatabase]:
    """Log in as the databases' owner, with time for a million rows."""
    service = settings.read(StoreConfig, run.variables).postgres(pool_size=1)
    owner = replace(service, role="none", statement_timeout_s=STATEMENT_LIMIT_S)
    server = await PostgresDatabase.open(replace(owner, database=database or owner.database))
    try:
        yield server
    finally:
        await server.close()


async def ask(run: Run, sql: str, database: str | None = None) -> Mapping[str, str]:
    """Run one statement as the databases' owner; return its one row, if any."""
    async with as_owner(run, database) as owner:
        return await owner.fetch_one(sql) or {}


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


def _ready() -> re.Match[str] | None:
    return re.search(r"ready in ([\d.]+) s", _log("shop").read_text(encoding="utf-8"))


def _log(name: str) -> Path:
    return DATA / f"{name}.log"
