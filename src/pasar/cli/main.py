"""
The command line of `pasar`: which module holds which command.

A module is loaded when its command is asked for: each would start half a second later and 40 MB
larger if it loaded what only the others need. Those that run for long come here for help alone.
"""

from importlib import import_module
from importlib.metadata import version as installed_version
from typing import Any, Final

import typer
from typer.core import TyperGroup

from pasar.cli.entry import RUNNING
from pasar.cli.variables import log_for_commands

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


class LazyCommands(TyperGroup):
    """
    Commands by name, each from `pasar.cli.NAME`, a hyphen being an underscore there.

    There is `app`, or `run` in those that run for long, which know nothing of typer.

    The `Any` are click's context and command, which typer ships but does not export.
    """

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002  click's signature
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in self.commands or cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        module = import_module(f"pasar.cli.{cmd_name.replace('-', '_')}")
        if cmd_name not in RUNNING:
            return typer.main.get_command(module.app)
        alone = typer.Typer(add_completion=False)
        alone.command()(module.run)
        return typer.main.get_command(alone)


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
    log_for_commands()


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(installed_version("pasar"))
