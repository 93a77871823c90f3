"""`pasar reconcile`: the nightly comparison of both services' books, now."""

from typing import Final

import typer

from pasar.cli import screen, variables
from pasar.kit import settings
from pasar.store_service import background
from pasar.store_service.config import StoreConfig

app: Final = typer.Typer(add_completion=False)


@app.command()
def reconcile() -> None:
    """
    Compare all charges of the payment service with the orders, and settle what can be settled.

    The worker does the same each day at RECONCILE_AT. Exit code 0: the books agree; 1: they did
    not, the differences are counted by kind.
    """
    with variables.explained():
        config = settings.read(StoreConfig, variables.of_the_running_shop())
    compared = variables.run(background.compare_books(config))
    screen.say(f"{compared.charges} charges compared")
    for kind, count in sorted(compared.differences.items()):
        screen.say(f"{count:6}  {kind}")
    raise SystemExit(1 if compared.differences else 0)
