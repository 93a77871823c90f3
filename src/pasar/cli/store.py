"""
`pasar store`: web processes on one socket, and one background process.

The parent binds the socket once, so that a restarted web process finds its queue of connections
where it was, and has asked what the service needs before any of its processes is started.
"""

import errno
import socket
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from functools import partial
from tempfile import TemporaryDirectory
from typing import Final

from pasar.cli import variables
from pasar.cli.service import CLOSING_S, Service, done
from pasar.cli.supervisor import Process, Supervisor
from pasar.engines.datadir import shared_secrets
from pasar.engines.ports import taken
from pasar.kit import log, metrics_directory, settings
from pasar.kit.clock import SystemClock
from pasar.store_service.config import StoreConfig

_BACKLOG: Final = 2048  # connections that wait for a web process to come back

_log: Final = log.get("store")


def run() -> None:
    """
    Run the store service against the engines that the environment names.

    PostgreSQL, migrated, and Redis must be there at the start; the broker may come later.
    """
    with variables.explained():
        given = with_own_secret(variables.given())
        config = settings.read(StoreConfig, given)
    variables.run(_run(given, config))


def with_own_secret(given: dict[str, str]) -> dict[str, str]:
    """In development, fill in the token key that is kept in the data directory (contract D5)."""
    if "JWT_SECRET" in given or given.get("APP_ENV", "development") != "development":
        return given
    folder = variables.data_directory(given)
    _log.warning(
        "JWT_SECRET is not set: one made for this installation is used", folder=str(folder)
    )
    return {**given, "JWT_SECRET": shared_secrets(folder).jwt_secret}


def listen(port: int) -> socket.socket:
    """Bind the public port. Raises BadSetting, or EngineError naming who holds it."""
    try:
        return socket.create_server(("0.0.0.0", port), backlog=_BACKLOG)  # noqa: S104  a public API
    except OSError as fault:
        if fault.errno == errno.EADDRINUSE:
            raise taken("APP_PORT", port) from None
        raise settings.BadSetting("APP_PORT", f"{port}: {fault.strerror}") from None


@contextmanager
def counts() -> Generator[dict[str, str]]:
    """Make the directory in which a service's processes count; yield the variable that names it."""
    with TemporaryDirectory(prefix="pasar-metrics-") as folder:
        yield {metrics_directory.DIRECTORY: folder}


async def start(
    supervisor: Supervisor, given: Mapping[str, str], config: StoreConfig, listener: socket.socket
) -> None:
    """
    Start the service's processes; the web processes stop before the background one.

    `given` holds what `counts` yields.
    """
    service = partial(
        Service,
        variables=given,
        grace_s=config.app_shutdown_timeout + config.app_drain_delay + CLOSING_S,
        hurry=supervisor.hurry,
    )
    await supervisor.start(worker=service("store-worker"))
    web: dict[str, Process] = {
        f"web-{number}": service("store-web", listener=listener)
        for number in range(1, config.web_processes() + 1)
    }
    await supervisor.start(**web)


async def _run(given: Mapping[str, str], config: StoreConfig) -> None:
    with listen(config.app_port) as listener, counts() as shared:
        await done("prepare", variables=given)
        supervisor = Supervisor(SystemClock())
        told = {**given, **shared}
        await supervisor.run(partial(start, supervisor, told, config, listener))
