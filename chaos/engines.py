"""The engines of a run, each with its data and log in the run's folder, on ports of their own."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pasar.engines.engine import Engine
from pasar.engines.nsqd import nsqd, nsqlookupd
from pasar.engines.ports import any_free
from pasar.engines.postgres import Postgres
from pasar.engines.postgres_login import PostgresLogin
from pasar.engines.valkey import Valkey
from pasar.engines.valkey_login import ValkeyLogin
from pasar.kit.postgres import PostgresSettings

HOST: Final = "127.0.0.1"
BINARIES: Final = Path(__file__).parents[1] / ".local" / "bin"
_PASSWORD: Final = "chaos-only"  # noqa: S105  of engines that live for minutes on loopback


@dataclass(frozen=True, slots=True)
class NsqPorts:
    tcp: int
    http: int
    lookup_tcp: int
    lookup_http: int

    @classmethod
    def free(cls) -> "NsqPorts":
        return cls(*(any_free(HOST) for _ in range(4)))


def log(folder: Path, name: str) -> Path:
    return folder / "log" / f"{name}.log"


def postgres(folder: Path) -> Postgres:
    """Return a durable one: what it acknowledged must outlive it."""
    account = PostgresLogin(
        host=HOST, port=any_free(HOST), user="shop_owner", password=_PASSWORD, database="shop"
    )
    return Postgres(
        folder=folder, log=log(folder, "postgres"), account=account, owner_password=_PASSWORD
    )


def owner(account: PostgresLogin) -> PostgresSettings:
    """Return the login that sees both schemas, as the harness uses it."""
    return PostgresSettings(
        host=account.host,
        port=account.port,
        user=account.user,
        password=account.password,
        database=account.database,
        sslmode="disable",
        role="none",
        search_path="public",
        application_name="chaos",
        pool_size=3,
        pool_wait_s=10,
        connect_timeout_s=5,
        statement_timeout_s=30,
        lock_timeout_s=5,
        idle_tx_timeout_s=30,
    )


def valkey(folder: Path) -> Valkey:
    login = ValkeyLogin(host=HOST, port=any_free(HOST), password=_PASSWORD)
    return Valkey(folder=folder, log=log(folder, "redis"), login=login)


def nsq(folder: Path, ports: NsqPorts) -> Mapping[str, Engine]:
    """Return both, nsqd with its default flags: what it acknowledged dies with it."""
    return {
        "nsqlookupd": nsqlookupd(
            binaries=BINARIES,
            log=log(folder, "nsqlookupd"),
            host=HOST,
            tcp_port=ports.lookup_tcp,
            http_port=ports.lookup_http,
        ),
        "nsqd": nsqd(
            binaries=BINARIES,
            folder=folder,
            log=log(folder, "nsqd"),
            host=HOST,
            tcp_port=ports.tcp,
            http_port=ports.http,
            lookupd_tcp=f"{HOST}:{ports.lookup_tcp}",
            flags=(),
        ),
    }
