"""`pasar create-admin`: the first administrator of an installation."""

from collections.abc import Mapping

from pasar.kit import settings
from pasar.store_service.config import StoreConfig
from pasar.store_service.processes import create_admin


async def create(variables: Mapping[str, str], email: str, password: str, name: str) -> None:
    """Set the admin up and end the published one. Raises PasarError, BadSetting."""
    await create_admin(settings.read(StoreConfig, variables), email, password, name)
