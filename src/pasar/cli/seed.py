"""`pasar seed`: the demo shop, into the database of the running `pasar up` and no other."""

from typing import Final

import typer

from pasar.cli import demo, planting, schemas, variables
from pasar.engines.datadir import Run
from pasar.kit.errors import Conflict, Unavailable
from pasar.kit.postgres import PostgresDatabase

app: Final = typer.Typer(add_completion=False)


@app.command()
def seed() -> None:
    """
    Plant the demo shop: two stores, seven products, a buyer and two sellers.

    Only into the embedded database of a running `pasar up`, and only while it is empty.
    """
    run = variables.running_shop()
    variables.run(_plant(run))


async def _plant(run: Run | None) -> None:
    if run is None:
        raise Unavailable("no `pasar up` runs on this data directory")
    if run.variables.get(demo.WHERE) != demo.EMBEDDED:
        raise Conflict("the demo shop goes into an embedded database only, never into yours")
    database = await PostgresDatabase.open(schemas.owner(run.variables))
    try:
        if not await planting.plant(database):
            raise Conflict("the database holds products or orders already")
    finally:
        await database.close()
