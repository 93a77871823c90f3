"""
`pasar up`: engines, migrations, demo shop and both services, under one supervisor.

What can be found wrong without starting anything is found first.
"""

import asyncio
import socket
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Final

from pasar.cli import demo, pools, screen, store, variables
from pasar.cli.service import CLOSING_S, Service, done
from pasar.cli.supervisor import PartFailed, Supervisor
from pasar.engines.datadir import DataDirectory
from pasar.engines.launch import Engines, start_engines
from pasar.engines.ports import choose
from pasar.kit import settings
from pasar.kit.clock import SystemClock
from pasar.payment_service.config import PaymentConfig
from pasar.store_service import preflight
from pasar.store_service.config import StoreConfig

_READY_S: Final = 30.0
_POLL_S: Final = 0.02
_LAST_LINES: Final = 10


def run() -> None:
    """
    Start engines, both services and a demo shop; Ctrl-C stops everything, the data stay.

    PostgreSQL and Valkey are started here unless DB_HOST or REDIS_HOST names yours. A port that is
    set is never moved. Data are kept in PASAR_DATA_DIR, .local/data if unset.
    """
    began = time.monotonic() - time.process_time()  # loading this program counts as well
    variables.run(_up(variables.given(), began))


async def _up(given: Mapping[str, str], began: float) -> None:
    with closing(DataDirectory(variables.data_directory(given))) as directory:
        told = _told(given, directory)
        _check(told)
        told |= {
            name: str(await choose(name, int(given[name]) if name in given else None))
            for name in ("APP_PORT", "PAYMENT_GRPC_PORT", "METRICS_PORT", "PAYMENT_METRICS_PORT")
        }
        told.setdefault("PAYMENT_GRPC_ADDR", f"127.0.0.1:{told['PAYMENT_GRPC_PORT']}")
        with store.listen(int(told["APP_PORT"])) as listener, store.counts() as shared:
            supervisor = Supervisor(SystemClock())
            start = partial(_start, supervisor, directory, told, shared, listener, began)
            try:
                await supervisor.run(start)
            except PartFailed as fault:
                screen.say(_last_words(directory.log(fault.name)))
                raise


def _told(given: Mapping[str, str], directory: DataDirectory) -> dict[str, str]:
    """Return what both services are told whatever runs where: what is set, and secrets kept."""
    told = {
        "APP_ENV": "development",
        "EVENT_SIGNING_KEY": directory.secrets.event_signing_key,
        "PAYMENT_SERVICE_TOKEN": directory.secrets.payment_service_token,
        "PASAR_DATA_DIR": str(directory.path),
        **given,
    }
    return store.with_own_secret(told)


def _check(told: Mapping[str, str]) -> None:
    """Find what the services would refuse; `BROKER`, with its `auto`, is the engines' to judge."""
    readable = {name: value for name, value in told.items() if name != "BROKER"}
    settings.read(PaymentConfig, readable).tls()
    preflight.refuse(preflight.bad_settings(settings.read(StoreConfig, readable)))


async def _start(
    supervisor: Supervisor,
    directory: DataDirectory,
    told: Mapping[str, str],
    shared: Mapping[str, str],
    listener: socket.socket,
    began: float,
) -> None:
    engines = await start_engines(told, directory, say=screen.say)
    for part in engines.parts:
        if part.engine is not None:
            supervisor.adopt(**{part.name: part.engine})
    told = {**told, **engines.variables}
    embedded = engines.parts[0].engine is not None
    if embedded:
        told |= _pools(told) | {demo.WHERE: demo.EMBEDDED}
    await done("prepare", "--migrate", *(["--plant"] if embedded else []), variables=told)
    config = settings.read(StoreConfig, told)
    grace_s = config.app_shutdown_timeout + CLOSING_S
    payment = Service("payment", variables=told, grace_s=grace_s, hurry=supervisor.hurry)
    await supervisor.start(payment=payment)
    await store.start(supervisor, {**told, **shared}, config, listener)
    await _ready(told)
    ours = settings.names(StoreConfig) | settings.names(PaymentConfig) | {demo.WHERE}
    known = {name: value for name, value in told.items() if name in ours}
    directory.announce(known, {"store": _url(told)})
    _show(engines, told, embedded=embedded)
    took_s = time.monotonic() - began
    screen.say(f"ready in {took_s:.1f} s - Ctrl-C stops everything, the data stays")


def _pools(told: Mapping[str, str]) -> dict[str, str]:
    config = settings.read(StoreConfig, told)
    fitted = pools.fit(config, settings.read(PaymentConfig, told))
    if fitted["DB_POOL_SIZE"] != str(config.db_pool_size):
        screen.say(f"warning: DB_POOL_SIZE is {fitted['DB_POOL_SIZE']}, more does not fit")
    return fitted


async def _ready(told: Mapping[str, str]) -> None:
    try:
        async with asyncio.timeout(_READY_S):
            await _answers(int(told["PAYMENT_GRPC_PORT"]))
            await _answers(int(told["APP_PORT"]), b"GET /ready HTTP/1.0\r\n\r\n", b" 200 ")
    except TimeoutError:
        raise PartFailed("the shop", f"was not ready within {_READY_S:.0f} s") from None


async def _answers(port: int, question: bytes = b"", expected: bytes = b"") -> None:
    """Ask a port of ours until it answers as expected; without a question, until it is open."""
    while True:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(question)
            answer = await reader.readline() if question else b""
            writer.close()
            if expected in answer:
                return
        await asyncio.sleep(_POLL_S)


def _last_words(file: Path) -> str:
    """Return the end of an engine's log; a service has none, it wrote to this terminal."""
    if not file.exists():
        return ""
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join([f"end of {file}:", *lines[-_LAST_LINES:]])


def _url(told: Mapping[str, str]) -> str:
    return f"http://127.0.0.1:{told['APP_PORT']}"


def _scraped(port: str) -> str:
    return f"http://127.0.0.1:{port}/metrics" if port != "0" else "off"


def _show(engines: Engines, told: Mapping[str, str], *, embedded: bool) -> None:
    for warning in engines.warnings:
        screen.say(f"warning: {warning}")
    screen.table(
        [
            *(screen.engine_row(part) for part in engines.parts),
            ("broker", engines.broker.kind, "", engines.broker.reason, ""),
            ("payment", "grpc", f"127.0.0.1:{told['PAYMENT_GRPC_PORT']}", "", ""),
            ("store", "http", _url(told), "docs /docs", ""),
            ("metrics", "store", _scraped(told["METRICS_PORT"]), "", ""),
            ("metrics", "payment", _scraped(told["PAYMENT_METRICS_PORT"]), "", ""),
        ]
    )
    if embedded:
        screen.say(f"accounts  admin@example.com / admin123, {' / '.join(demo.BUYER)}")
        screen.say(f"try       {screen.purchase(_url(told), *demo.BUYER, demo.PRODUCT_ID)}")
