"""
At which migration a schema stands, by SQL alone.

For those who only ask: `kit/migrate.py`, which changes schemas, takes half a second to load.
"""

from pathlib import Path
from typing import Final

from pasar.kit.database import Database

THERE: Final = "SELECT to_regclass($1) IS NOT NULL AS there"


async def current(database: Database, schema: str) -> str | None:
    """Return the newest revision applied; None before the first. Raises Unavailable."""
    table = f"{schema}.alembic_version"
    found = await database.fetch_one(THERE, table)
    if found is None or not found["there"]:
        return None
    row = await database.fetch_one(f"SELECT version_num FROM {table}")  # noqa: S608  a schema of ours
    return None if row is None else str(row["version_num"])


def newest(folder: Path) -> str:
    """Return the highest number of the folder's files, `0002` for `0002_pasar.py`."""
    return max(file.stem[:4] for file in folder.glob("[0-9][0-9][0-9][0-9]_*.py"))
