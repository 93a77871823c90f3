"""
The whole shop of a run: engines, two of each service, and a link between any two that talk.

Everything lives in one folder; what happens to it is `faults.py`'s affair.
"""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from chaos import engines
from chaos.clock import Clock
from chaos.engines import HOST
from chaos.parts import EngineProcess, Part, Process, ServiceProcess
from chaos.proxy import Link
from pasar.cli.schemas import FOLDERS
from pasar.engines.ports import any_free
from pasar.engines.postgres import Postgres
from pasar.engines.valkey import Valkey
from pasar.engines.valkey_login import ValkeyLogin
from pasar.kit import migrate
from pasar.kit.postgres import PostgresSettings

STORES: Final = ("store-1", "store-2")
PAYMENTS: Final = ("payment-1", "payment-2")

_HEALTH: Final = b"GET /health HTTP/1.0\r\n\r\n"

BrokerKind = Literal["nsq", "streams"]

# Two services each share the 57 connections of the embedded PostgreSQL with the harness.
_VARIABLES: Final = {
    "APP_ENV": "test",
    "APP_WORKERS": "1",
    "DB_POOL_SIZE": "7",
    "DB_WORKER_POOL_SIZE": "4",
    "PAYMENT_DB_POOL_SIZE": "6",
    "APP_SHUTDOWN_TIMEOUT": "5s",
    "JWT_ACCESS_EXPIRY": "24h",  # a 401 is then a false one
    "PAYMENT_DELAY_MIN": "0ms",
    "PAYMENT_DELAY_MAX": "200ms",
    "ARGON2_MEMORY": "64",
    "ARGON2_TIME": "1",
    "RATE_LIMIT_PUBLIC": "0",
    "RATE_LIMIT_AUTH": "0",
    "RATE_LIMIT_LOGIN": "0",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """
    What a run may ask, strike and cut.

    `owner` and the addresses of the engines lead past the links, so that the harness sees what the
    shop may not. `urls` lead to the stores through theirs. `clocks`: one of each service.
    """

    folder: Path
    broker: BrokerKind
    parts: Mapping[str, Part]
    links: Mapping[str, Link]
    clocks: Mapping[str, Clock]
    urls: Mapping[str, str]
    owner: PostgresSettings
    redis: ValkeyLogin
    nsq: engines.NsqPorts | None
    signing_key: str

    @property
    def broker_part(self) -> str:
        """The part whose death loses messages."""
        return "nsqd" if self.nsq else "redis"


@asynccontextmanager
async def open_shop(folder: Path, broker: BrokerKind) -> AsyncGenerator[Shop]:
    """Start everything on a fresh folder; end everything, the last started first."""
    builder = _Builder(folder)
    async with asyncio.TaskGroup() as keepers:
        try:
            yield await _build(builder, broker, keepers)
        finally:
            for link in builder.links.values():
                link.stop()
            for part, keeper in reversed(builder.kept):
                await part.stop()
                keeper.cancel()


class _Builder:
    """What is there so far."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.links: dict[str, Link] = {}
        self.kept: list[tuple[Part, asyncio.Task[None]]] = []

    async def link(self, name: str, *ports: int, rewrite: tuple[bytes, bytes] = (b"", b"")) -> int:
        """Return the port of a new link to the ports."""
        link = self.links[name] = Link(*((HOST, port) for port in ports), rewrite=rewrite)
        return await link.start()

    async def start(self, name: str, process: Process, keepers: asyncio.TaskGroup) -> None:
        part = Part(name, process)
        self.kept.append((part, keepers.create_task(part.keep())))
        await part.lives()

    def log(self, name: str) -> Path:
        return engines.log(self.folder, name)


async def _build(builder: _Builder, broker: BrokerKind, keepers: asyncio.TaskGroup) -> Shop:
    postgres, valkey = engines.postgres(builder.folder), engines.valkey(builder.folder)
    nsq = engines.NsqPorts.free() if broker == "nsq" else None
    await builder.start("postgres", EngineProcess(postgres), keepers)
    await builder.start("redis", EngineProcess(valkey), keepers)
    if nsq is not None:
        for name, engine in engines.nsq(builder.folder, nsq).items():
            await builder.start(name, EngineProcess(engine), keepers)
    owner = engines.owner(postgres.account)
    for schema, migrations in FOLDERS.items():
        await migrate.upgrade(owner, migrations, schema)
    told = {**_VARIABLES, **_secrets(), "BROKER": broker, **_accounts(postgres, valkey)}
    told["UPLOAD_DIR"] = str(builder.folder / "uploads")
    ports = {name: any_free(HOST) for name in (*STORES, *PAYMENTS)}
    clocks = {name: Clock(builder.folder / f"{name}.clock") for name in ports}
    seen = {
        side: {**told, **await _links(builder, side, postgres, valkey, nsq)}
        for side in ("store", "payment")
    }
    grpc = await builder.link("store-payment", *(ports[name] for name in PAYMENTS))
    seen["store"]["PAYMENT_GRPC_ADDR"] = f"{HOST}:{grpc}"
    for name in PAYMENTS:
        own = {**clocks[name].variables, "PAYMENT_GRPC_PORT": str(ports[name])}
        service = ServiceProcess("payment", ports[name], seen["payment"] | own, builder.log(name))
        await builder.start(name, service, keepers)
    for name in STORES:
        own = {**clocks[name].variables, "APP_PORT": str(ports[name])}
        service = ServiceProcess(
            "store", ports[name], seen["store"] | own, builder.log(name), _HEALTH
        )
        await builder.start(name, service, keepers)
    urls = {
        name: f"http://{HOST}:{await builder.link(f'client-{name}', ports[name])}"
        for name in STORES
    }
    return Shop(
        folder=builder.folder,
        broker=broker,
        parts={part.name: part for part, _ in builder.kept},
        links=builder.links,
        clocks=clocks,
        urls=urls,
        owner=owner,
        redis=valkey.login,
        nsq=nsq,
        signing_key=told["EVENT_SIGNING_KEY"],
    )


async def _links(
    builder: _Builder, side: str, postgres: Postgres, valkey: Valkey, nsq: engines.NsqPorts | None
) -> dict[str, str]:
    """Put links between one service and the engines; return the variables that lead there."""
    cache = "broker" if side == "payment" and nsq is None else "redis"
    variables = {
        "DB_PORT": str(await builder.link(f"{side}-postgres", postgres.account.port)),
        "REDIS_PORT": str(await builder.link(f"{side}-{cache}", valkey.login.port)),
    }
    if nsq is not None:
        nsqd_port = await builder.link(f"{side}-broker", nsq.tcp)
        named = (f'"tcp_port":{nsq.tcp}'.encode(), f'"tcp_port":{nsqd_port}'.encode())
        lookup = await builder.link(f"{side}-lookup", nsq.lookup_http, rewrite=named)
        variables |= {
            "NSQD_ADDR": f"{HOST}:{nsqd_port}",
            "NSQD_HTTP_ADDR": f"{HOST}:{nsq.http}",
            "NSQ_LOOKUPD_ADDR": f"{HOST}:{lookup}",
        }
    return variables


def _accounts(postgres: Postgres, valkey: Valkey) -> dict[str, str]:
    return {
        "DB_HOST": HOST,
        "DB_USER": postgres.account.user,
        "DB_PASSWORD": postgres.account.password,
        "DB_NAME": postgres.account.database,
        "REDIS_HOST": HOST,
        "REDIS_PASSWORD": valkey.login.password,
    }


def _secrets() -> dict[str, str]:
    names = ("JWT_SECRET", "EVENT_SIGNING_KEY", "PAYMENT_SERVICE_TOKEN")
    return {name: secrets.token_hex(32) for name in names}
