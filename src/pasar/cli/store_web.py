"""A web process of `pasar store`, as a command that it starts; nobody else does."""

import socket

import uvloop

from pasar.cli import variables
from pasar.kit import settings
from pasar.store_service import processes
from pasar.store_service.config import StoreConfig


def run(fd: str) -> None:
    """Serve HTTP on an inherited socket."""
    with variables.explained(), socket.socket(fileno=int(fd)) as listener:
        uvloop.run(processes.serve(settings.read(StoreConfig, variables.given()), listener))
