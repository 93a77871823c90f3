"""`pasar migrate`: both schemas to their newest revision, or all the way down."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from pasar import payment_service, store_service
from pasar.kit import migrate, settings
from pasar.kit.postgres import PostgresSettings
from pasar.store_service.config import StoreConfig

_FOLDERS: Final = {
    "public": Path(store_service.__path__[0]) / "migrations",
    "payment": Path(payment_service.__path__[0]) / "migrations",
}


def owner(variables: Mapping[str, str]) -> PostgresSettings:
    """Return the login of `DB_…` with its own rights: DDL and both schemas are the owner's."""
    config = settings.read(StoreConfig, variables)
    return replace(config.postgres(pool_size=1), role="none", application_name="pasar")


async def up(variables: Mapping[str, str]) -> None:
    for schema, folder in _FOLDERS.items():
        await migrate.upgrade(owner(variables), folder, schema)


async def down(variables: Mapping[str, str]) -> None:
    for schema, folder in reversed(_FOLDERS.items()):
        await migrate.downgrade(owner(variables), folder, schema)
