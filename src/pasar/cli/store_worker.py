"""The background process of `pasar store`, as a command that it starts; nobody else does."""

from typing import Final

import typer
import uvloop

from pasar.cli import variables
from pasar.kit import settings
from pasar.store_service import background
from pasar.store_service.config import StoreConfig

app: Final = typer.Typer(add_completion=False)


@app.command()
def worker() -> None:
    """Relay the outbox, consume payment results, reconcile."""
    with variables.explained():
        uvloop.run(background.work(settings.read(StoreConfig, variables.given())))
