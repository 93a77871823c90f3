"""`pasar timeline`: what happened to one order in both services, from request to refund."""

from typing import Annotated, Final
from uuid import UUID

import msgspec
import typer

from pasar.audit.story import story
from pasar.cli import schemas, screen, variables
from pasar.kit.errors import NotFound
from pasar.kit.postgres import PostgresDatabase

app: Final = typer.Typer(add_completion=False)


@app.command()
def timeline(
    order: Annotated[UUID, typer.Argument(help="The order's id.")],
    *,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
) -> None:
    """
    Tell one order's story: request, states, stock, messages, payment, refund, dead letters.

    Exit code 1: there is no such order, or the database is away.
    """
    variables.run(_tell(order, json=json))


async def _tell(order: UUID, *, json: bool) -> None:
    database = await PostgresDatabase.open(schemas.owner(variables.of_the_running_shop()))
    try:
        told = await story(database, order)
    finally:
        await database.close()
    if not told:
        raise NotFound(f"order {order} not found")
    if json:
        screen.say(msgspec.json.encode(told).decode())
    else:
        screen.table([each.row() for each in told])
