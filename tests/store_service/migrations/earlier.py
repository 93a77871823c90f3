"""A database of the earlier service: `earlier_service.sql`, loaded as its tool would load it."""

from pathlib import Path
from typing import Final

from pasar.kit.postgres import PostgresSettings, connect

DUMP: Final = Path(__file__).parent / "earlier_service.sql"


async def restore(settings: PostgresSettings) -> None:
    """Load the dump into an empty database."""
    connection = await connect(settings)
    try:
        await connection.execute(DUMP.read_text())
    finally:
        await connection.close()
