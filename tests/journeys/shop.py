"""Both services as real processes on real engines, and how a test starts, kills and audits them."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from pasar.audit.check import check
from pasar.engines.ports import any_free
from pasar.kit.postgres import PostgresDatabase, PostgresSettings
from pasar.store_service.routes import ROUTES
from tests.journeys import leftovers
from tests.store_service.web.documented import documented

READY_S = 30
QUICK = {
    "APP_ENV": "test",
    "APP_WORKERS": "1",
    "JWT_SECRET": "the secret of the journeys, 32 bytes and more",
    "EVENT_SIGNING_KEY": "the signing key of the journeys, 32 bytes and more",
    "PAYMENT_SERVICE_TOKEN": "the service token of the journeys, 32 bytes and more",
    "PAYMENT_DELAY_MIN": "10ms",
    "PAYMENT_DELAY_MAX": "50ms",
    "ARGON2_MEMORY": "64",  # hashing is not what journeys are about
    "ARGON2_TIME": "1",
    "RATE_LIMIT_PUBLIC": "0",
    "RATE_LIMIT_AUTH": "0",
    "RATE_LIMIT_LOGIN": "0",
}


@dataclass(slots=True)
class Command:
    """One `pasar` command as a process with a log file."""

    name: str
    variables: Mapping[str, str]
    folder: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def start(self) -> None:
        """Start, and wait until its port is open."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "pasar", self.name],
                env={**os.environ, **self.variables},
                stderr=log,
                start_new_session=True,
            )
        self.opens(self.port)

    def opens(self, port: int) -> None:
        """Wait until that port of it is open: its processes start side by side."""
        assert self.process is not None
        patience = time.monotonic() + READY_S
        while not is_open(port):
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < patience, self.log.read_text()
            time.sleep(0.02)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(READY_S)

    def stop(self) -> int:
        """Ask it to stop, and return its exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(READY_S)


@dataclass(slots=True)
class Shop:
    """A running shop."""

    store: Command
    payment: Command
    owner: PostgresSettings
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.store.port}"

    def http(self) -> httpx.AsyncClient:
        limits = httpx.Limits(max_connections=64)
        return httpx.AsyncClient(
            base_url=self.url,
            limits=limits,
            timeout=20,
            event_hooks={"response": [documented(ROUTES).check]},
        )

    async def broken(self) -> dict[str, list[str]]:
        """Run `pasar verify`: invariant → what breaks it."""
        async with self.database() as database:
            report = await check(database, calm_s=0)
        assert report.findings
        return {
            finding.invariant.name: [offender.id for offender in finding.offenders]
            for finding in report.broken
        }

    async def broken_for_good(self, patience_s: float = 10) -> dict[str, list[str]]:
        """Give the shop time to finish what it began, then return what is still broken."""
        patience = time.monotonic() + patience_s
        while (broken := await self.broken()) and time.monotonic() < patience:
            await asyncio.sleep(0.05)
        return broken

    async def count(self, sql: str, *args: object) -> int:
        """Return the one figure that the statement, run as the owner, asks for."""
        async with self.database() as database:
            row = await database.fetch_one(f"SELECT ({sql})::int AS figure", *args)
        assert row is not None
        return int(row["figure"])

    def database(self) -> "Opened":
        return Opened(self.owner)


@dataclass(slots=True)
class Opened:
    """A database for the length of a block."""

    settings: PostgresSettings
    opened: PostgresDatabase | None = None

    async def __aenter__(self) -> PostgresDatabase:
        self.opened = await PostgresDatabase.open(self.settings)
        return self.opened

    async def __aexit__(self, *_fault: object) -> None:
        assert self.opened is not None
        await self.opened.close()


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def running_shop(
    folder: Path, owner: PostgresSettings, variables: Mapping[str, str]
) -> Generator[Shop]:
    """Start both services on a migrated database, without leftovers; stop them at the end."""
    ports = {"APP_PORT": any_free("127.0.0.1"), "PAYMENT_GRPC_PORT": any_free("127.0.0.1")}
    told = {
        **QUICK,
        "DB_HOST": owner.host,
        "DB_PORT": str(owner.port),
        "DB_USER": owner.user,
        "DB_PASSWORD": owner.password,
        "DB_NAME": owner.database,
        **{name: str(port) for name, port in ports.items()},
        "PAYMENT_GRPC_ADDR": f"127.0.0.1:{ports['PAYMENT_GRPC_PORT']}",
        **variables,
    }
    shop = Shop(
        store=Command("store", told, folder, ports["APP_PORT"]),
        payment=Command("payment", told, folder, ports["PAYMENT_GRPC_PORT"]),
        owner=owner,
    )
    asyncio.run(leftovers.removed(told))
    try:
        shop.payment.start()
        shop.store.start()
        yield shop
    finally:
        for command in (shop.store, shop.payment):
            if command.process is not None and command.process.poll() is None:
                command.stop()
