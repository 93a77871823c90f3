"""A shop whose engines belong to the test: it may stop, freeze and kill them, one at a time."""

import os
import signal
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pytest

from pasar.engines.engine import Engine
from pasar.engines.postgres import Durability, Postgres
from pasar.engines.valkey import Valkey
from pasar.kit.postgres import PostgresSettings
from tests.fixtures.database import migrated
from tests.fixtures.engines import NSQ_BINARIES, new_postgres, new_valkey, run, start_nsq, started
from tests.journeys.conftest import nsq_variables, redis_variables
from tests.journeys.shop import Shop, running_shop
from tests.waiting import eventually

ACKNOWLEDGED_STAYS: Final = Durability(synced_creation=False, fsync=False)
"""A commit outlives the death of the server, as in the product; that of the machine it need not."""


@dataclass(frozen=True, slots=True)
class FrailShop:
    """A running shop and its engines; over Streams `broker` is the Valkey."""

    shop: Shop
    postgres: Postgres
    valkey: Valkey
    broker: Engine

    async def calm(self, within_s: float = 40) -> None:
        """Wait until no order is pending."""

        async def settled() -> bool:
            pending = "SELECT count(*) FROM orders WHERE status = 'pending'"
            return await self.shop.count(pending) == 0

        await eventually(settled, within_s=within_s, what="every order being settled")


@contextmanager
def frail_shop(
    folder: Path,
    engines_folder: Path,
    owner_settings: PostgresSettings,
    nsq_binaries: Path | None,
    variables: Mapping[str, str] | None = None,
) -> Generator[FrailShop]:
    """Start a shop on engines of its own in `engines_folder`; over Streams without binaries."""
    engines_folder.mkdir(mode=0o700)
    postgres = started(lambda: new_postgres(engines_folder, ACKNOWLEDGED_STAYS))
    valkey = started(lambda: new_valkey(engines_folder, persistent=True))
    broker: Engine = valkey
    engines: set[Engine] = {postgres, valkey}
    told = {"BROKER": "streams", **redis_variables(valkey.login), **(variables or {})}
    if nsq_binaries is not None:
        nsq = start_nsq(nsq_binaries, engines_folder)
        told |= {"BROKER": "nsq", **nsq_variables(nsq)}
        broker = nsq.nsqd
        engines |= {nsq.nsqd, nsq.nsqlookupd}
    account = postgres.account
    owner = replace(owner_settings, port=account.port, database=account.database)
    run(migrated(owner))
    with running_shop(folder, owner, told) as shop:
        yield FrailShop(shop, postgres, valkey, broker)
    for engine in engines:
        run(engine.stop())


@contextmanager
def audited_shop(
    name: str,
    engines_folder: Path,
    folders: pytest.TempPathFactory,
    owner_settings: PostgresSettings,
    variables: Mapping[str, str],
) -> Generator[FrailShop]:
    """
    Start such a shop for a module of tests; at the end it must come to rest with every book right.

    Over nsqd where it can be built, as there the broker dies without Redis.
    """
    binaries = NSQ_BINARIES if (NSQ_BINARIES / "nsqd").exists() else None
    with frail_shop(
        folders.mktemp(name), engines_folder / name, owner_settings, binaries, variables
    ) as shop:
        yield shop
        run(shop.calm())
        assert run(shop.shop.broken()) == {}


async def killed(engine: Engine) -> None:
    os.kill(engine.child.pid, signal.SIGKILL)
    await engine.wait()


@contextmanager
def frozen(pid: int) -> Generator[None]:
    """Stop a process in the middle of whatever it does, and let it go on after the block."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
