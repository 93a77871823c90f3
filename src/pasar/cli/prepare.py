"""What `pasar up` and `pasar store` have done before they start the service; nobody else asks."""

from collections.abc import Mapping, Sequence
from typing import Final

from pasar.cli import planting, schemas, service, variables
from pasar.kit import settings
from pasar.kit.postgres import PostgresDatabase
from pasar.store_service import preparation
from pasar.store_service.config import StoreConfig

MIGRATE: Final = "--migrate"
"""The word upon which both schemas are brought up to date first, if they are not."""
PLANT: Final = "--plant"
"""The word upon which an empty database gets the demo shop: it is for our own one alone."""


def run(*words: str) -> None:
    """Refuse what the service cannot start with."""
    variables.run(_prepare(variables.given(), words))


async def _prepare(given: Mapping[str, str], words: Sequence[str]) -> None:
    if words:
        await _fill(given, words)
    await preparation.prepare(settings.read(StoreConfig, given))


async def _fill(given: Mapping[str, str], words: Sequence[str]) -> None:
    database = await PostgresDatabase.open(schemas.owner(given))
    try:
        if MIGRATE in words and not await schemas.up_to_date(database):
            await service.done("migrate", variables=given)
        if PLANT in words:
            await planting.plant(database)
    finally:
        await database.close()
