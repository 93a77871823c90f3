"""`pasar migrate`: both schemas to their newest revision, or all the way down."""

from collections.abc import Mapping
from typing import Annotated, Final

import typer

from pasar.cli import variables
from pasar.cli.schemas import FOLDERS, owner
from pasar.kit import migrate as alembic

app: Final = typer.Typer(add_completion=False)


@app.command()
def migrate(
    *, down: Annotated[bool, typer.Option("--down", help="Undo everything: all data go.")] = False
) -> None:
    """
    Bring both schemas to their newest revision.

    Needs the owner's login in DB_…; finds the engines of a running `pasar up` by itself.
    """
    given = variables.of_the_running_shop()
    variables.run(undo(given) if down else up(given))


async def up(given: Mapping[str, str]) -> None:
    for schema, folder in FOLDERS.items():
        await alembic.upgrade(owner(given), folder, schema)


async def undo(given: Mapping[str, str]) -> None:
    for schema, folder in reversed(FOLDERS.items()):
        await alembic.downgrade(owner(given), folder, schema)
