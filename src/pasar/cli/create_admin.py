"""`pasar create-admin`: the first administrator of an installation."""

from typing import Annotated, Final

import typer

from pasar.cli import variables
from pasar.kit import settings
from pasar.store_service import preparation
from pasar.store_service.config import StoreConfig

app: Final = typer.Typer(add_completion=False)


@app.command()
def create_admin(
    email: Annotated[str, typer.Option(envvar="ADMIN_EMAIL", prompt=True)],
    password: Annotated[
        str,
        typer.Option(
            envvar="ADMIN_PASSWORD", prompt=True, hide_input=True, confirmation_prompt=True
        ),
    ],
    name: Annotated[str, typer.Option(help="As others see it.")] = "Admin",
) -> None:
    """
    Set up an administrator, and end the seeded one whose password everybody knows.

    For an administrator's own address: gives the account this password and name.
    """
    with variables.explained():
        config = settings.read(StoreConfig, variables.of_the_running_shop())
    variables.run(preparation.create_admin(config, email, password, name))
