"""
`pasar up`: engines, migrations, demo shop and both services, under one supervisor.

What runs where, and why, is printed as a table once everything answers.
"""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from pasar.cli import demo, migrate, screen
from pasar.cli.services import Service
from pasar.cli.supervisor import PartFailed, Supervisor
from pasar.engines.datadir import DataDirectory
from pasar.engines.launch import Engines, start_engines
from pasar.engines.ports import choose
from pasar.kit.clock import SystemClock

DATA_DIR: Final = ".local/data"
_READY_S: Final = 30.0
_POLL_S: Final = 0.02
_GRACE_S: Final = 40.0  # of a service: its APP_SHUTDOWN_TIMEOUT and the closing of its parts


async def up(variables: Mapping[str, str], began: float) -> None:
    """Run the whole shop until told to stop; `began` is the monotonic time of the command."""
    directory = DataDirectory(Path(variables.get("PASAR_DATA_DIR", DATA_DIR)))
    try:
        engines = await start_engines(variables, directory, say=screen.say)
        supervisor = Supervisor(SystemClock())
        for part in engines.parts:
            if part.engine is not None:
                supervisor.adopt(**{part.name: part.engine})
        try:
            services = await _services(variables, directory, engines)
            await migrate.up(services)
            if engines.parts[0].engine is not None:  # never into somebody's own database
                await demo.plant(services)
            await _start(supervisor, services)
            directory.announce(services, _urls(services))
            _show(engines, services, time.monotonic() - began)
        except BaseException:
            await supervisor.stop()
            raise
        await supervisor.until_told()
    finally:
        directory.close()


async def _services(
    variables: Mapping[str, str], directory: DataDirectory, engines: Engines
) -> Mapping[str, str]:
    """Return what both services are told: secrets made here, what is set, what was found."""
    secrets = directory.secrets
    ports = {
        name: str(await choose(name, int(variables[name]) if name in variables else None))
        for name in ("APP_PORT", "PAYMENT_GRPC_PORT")
    }
    return {
        "APP_ENV": "development",
        "JWT_SECRET": secrets.jwt_secret,
        "EVENT_SIGNING_KEY": secrets.event_signing_key,
        "PAYMENT_SERVICE_TOKEN": secrets.payment_service_token,
        **variables,
        **engines.variables,
        **ports,
    }


async def _start(supervisor: Supervisor, services: Mapping[str, str]) -> None:
    await supervisor.start(payment=Service("payment", variables=services, grace_s=_GRACE_S))
    await supervisor.start(store=Service("store", variables=services, grace_s=_GRACE_S))
    try:
        async with asyncio.timeout(_READY_S):
            await _listens(int(services["PAYMENT_GRPC_PORT"]))
            await _listens(int(services["APP_PORT"]), b"GET /ready HTTP/1.0\r\n\r\n", b" 200 ")
    except TimeoutError:
        raise PartFailed("the shop", 1) from None


async def _listens(port: int, question: bytes = b"", expected: bytes = b"") -> None:
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


def _urls(services: Mapping[str, str]) -> Mapping[str, str]:
    return {"store": f"http://127.0.0.1:{services['APP_PORT']}"}


def _show(engines: Engines, services: Mapping[str, str], took_s: float) -> None:
    base = _urls(services)["store"]
    email, password = demo.BUYER
    screen.table(
        [
            *(screen.engine_row(part) for part in engines.parts),
            ("broker", engines.broker.kind, "", engines.broker.reason, ""),
            ("payment", "grpc", f"127.0.0.1:{services['PAYMENT_GRPC_PORT']}", "", ""),
            ("store", "http", base, "", ""),
        ]
    )
    for warning in engines.warnings:
        screen.say(f"warning   {warning}")
    screen.say(f"accounts  admin@example.com / admin123, {email} / {password}")
    screen.say(
        "try       "
        + screen.PURCHASE.format(base=base, email=email, password=password, product=demo.PRODUCT_ID)
    )
    screen.say(f"ready in {took_s:.1f} s - Ctrl-C stops everything, the data stays")
