"""The processes of `pasar store`, as commands that it starts; nobody else does."""

import socket
from typing import Final

import typer
import uvloop

from pasar.cli import variables
from pasar.kit import settings
from pasar.store_service import background, processes
from pasar.store_service.config import StoreConfig

app: Final = typer.Typer(help="Be one process of the store service.", add_completion=False)


@app.command()
def web(fd: int) -> None:
    """Serve HTTP on an inherited socket."""
    with variables.explained(), socket.socket(fileno=fd) as listener:
        uvloop.run(processes.serve(settings.read(StoreConfig, variables.given()), listener))


@app.command()
def worker() -> None:
    """Relay the outbox, consume payment results, reconcile."""
    with variables.explained():
        uvloop.run(background.work(settings.read(StoreConfig, variables.given())))
