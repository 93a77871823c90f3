"""The commands, a few lines each: read the variables, run, explain why not."""

import asyncio
import os
import socket
import time
from collections.abc import Coroutine
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import uvloop

from pasar.cli import admin as admin_command
from pasar.cli import demo, screen
from pasar.cli import migrate as migrate_command
from pasar.cli import up as up_command
from pasar.cli import verify as verify_command
from pasar.cli.services import run_store
from pasar.engines.datadir import running
from pasar.kit import log, settings
from pasar.payment_service import main as payment_service
from pasar.payment_service.config import PaymentConfig
from pasar.store_service import processes
from pasar.store_service.config import StoreConfig

CALM_S: Final = 60.0  # by then everything is settled while all parts run (guarantee G4)
PAYMENT_TIMEOUT_S: Final = 900.0  # a payment service that was away may have held things up so long

app: Final = typer.Typer(
    help="Pasar, a multi-seller shop backend.", no_args_is_help=True, add_completion=False
)


def variables() -> dict[str, str]:
    """Return the environment over `.env`."""
    return settings.environment(os.environ, Path.cwd())


def of_the_running_shop() -> dict[str, str]:
    """Return the variables, filled up by those of the `pasar up` that runs here, if any."""
    own = variables()
    run = running(Path(own.get("PASAR_DATA_DIR", up_command.DATA_DIR)))
    return {**(run.variables if run else {}), **own}


def run(work: Coroutine[Any, Any, Any]) -> None:
    with screen.explained():
        asyncio.run(work)


@app.command()
def up() -> None:
    """Start engines, both services and a demo shop; Ctrl-C stops everything, the data stays."""
    began = time.monotonic()
    log.configure("pasar", human=True)
    run(up_command.up(variables(), began))


@app.command()
def store() -> None:
    """Run the store service against the engines that the environment names."""
    log.configure("store-service", human=variables().get("APP_ENV", "development") == "development")
    run(run_store(variables()))


@app.command(hidden=True)
def store_web(fd: int) -> None:
    """Be one web process of `pasar store`, on an inherited socket."""
    with screen.explained(), socket.socket(fileno=fd) as listener:
        uvloop.run(processes.serve(settings.read(StoreConfig, variables()), listener))


@app.command(hidden=True)
def store_worker() -> None:
    """Be the background process of `pasar store`."""
    with screen.explained():
        uvloop.run(processes.work(settings.read(StoreConfig, variables())))


@app.command()
def payment() -> None:
    """Run the payment service: gRPC server and message consumer."""
    with screen.explained():
        uvloop.run(payment_service.serve(settings.read(PaymentConfig, variables())))


@app.command()
def migrate(*, down: Annotated[bool, typer.Option(help="undo everything")] = False) -> None:
    """Bring both schemas to their newest revision."""
    own = of_the_running_shop()
    run(migrate_command.down(own) if down else migrate_command.up(own))


@app.command()
def seed() -> None:
    """Fill an empty shop with the demo shop's stores, products and accounts."""
    run(demo.plant(of_the_running_shop()))


@app.command()
def verify(
    *,
    json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
    calm: Annotated[bool, typer.Option("--calm", help="what is older than 60 s must rest")] = False,
) -> None:
    """Recompute every invariant; exit 0: all hold, 1: one is broken, 2: cannot be checked."""
    with screen.explained():
        calm_s = CALM_S if calm else PAYMENT_TIMEOUT_S + CALM_S
        work = verify_command.verify(of_the_running_shop(), calm_s=calm_s, as_json=json)
        raise SystemExit(asyncio.run(work))


@app.command()
def create_admin(
    email: str,
    name: str = "Admin",
    password: Annotated[
        str, typer.Option(envvar="ADMIN_PASSWORD", prompt=True, hide_input=True)
    ] = "",
) -> None:
    """Set up an administrator and end the one whose password everybody knows."""
    run(admin_command.create(of_the_running_shop(), email, password, name))


@app.command()
def version() -> None:
    """Print the version."""
    screen.say(installed_version("pasar"))
