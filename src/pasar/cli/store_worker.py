"""The background process of `pasar store`, as a command that it starts; nobody else does."""

import uvloop

from pasar.cli import variables
from pasar.kit import settings
from pasar.store_service import background
from pasar.store_service.config import StoreConfig


def run() -> None:
    """Relay the outbox, consume payment results, reconcile."""
    with variables.explained():
        uvloop.run(background.work(settings.read(StoreConfig, variables.given())))
