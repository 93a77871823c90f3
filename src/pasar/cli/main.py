"""
The command `pasar`: which module holds which command.

A module is loaded when its command is asked for: the children of `pasar up` are commands too, and
each would start half a second later and 40 MB larger if it loaded what only the others need.
"""

from importlib import import_module
from importlib.metadata import version as installed_version
from typing import Any, Final

import typer
from typer.core import TyperGroup

from pasar.cli.variables import given
from pasar.kit import log

COMMANDS: Final = (
    "up",
    "store",
    "payment",
    "migrate",
    "seed",
    "verify",
    "timeline",
    "dead-letters",
    "reconcile",
    "create-admin",
    "version",
)
PROCESSES: Final = ("store-process",)  # what `up` and `store` start; nobody types it


class LazyCommands(TyperGroup):
    """
    Commands by name, each from `pasar.cli.NAME`, a hyphen being an underscore there.

    The `Any` are click's context and command, which typer ships but does not export.
    """

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002  click's signature
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in self.commands or cmd_name not in COMMANDS + PROCESSES:
            return super().get_command(ctx, cmd_name)
        module = import_module(f"pasar.cli.{cmd_name.replace('-', '_')}")
        return typer.main.get_command(module.app)


app: Final = typer.Typer(
    cls=LazyCommands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # it would print the values of variables, secrets among them
)


@app.callback()
def pasar() -> None:
    """
    Pasar, a multi-seller shop backend.

    `pasar up` starts everything on this machine; the other commands are its parts, for use one by
    one. Exit code 78 means bad configuration, its reason on one line.
    """
    log.configure("pasar", human=given().get("APP_ENV", "development") == "development")


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(installed_version("pasar"))
