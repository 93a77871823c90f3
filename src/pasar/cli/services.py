"""
The services as child processes, and `pasar store`: web processes on one socket, one worker.

The parent binds the socket once, so that a restarted web process finds its queue of connections
where it was, and checks what the service needs before any child is started.
"""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pasar.cli.supervisor import Process, Supervisor
from pasar.engines.datadir import shared_secrets
from pasar.engines.process import bound_to_parent
from pasar.kit import settings
from pasar.kit.clock import SystemClock
from pasar.store_service.config import StoreConfig
from pasar.store_service.processes import preflight_check

_KILL_AFTER_S: Final = 5.0  # beyond the service's own grace


class Service:
    """
    One `pasar` command as a child process that dies with us.

    Killed with us rather than stopped: whoever kills a supervisor ends its engines too, and then
    there is nothing left to finish a request with. A signal to stop reaches it through us alone.
    """

    def __init__(
        self, *command: str, variables: Mapping[str, str], grace_s: float, fd: int | None = None
    ) -> None:
        handed = () if fd is None else (str(fd),)
        self._argv = (sys.executable, "-m", "pasar", *command, *handed)
        self._variables = variables
        self._grace_s = grace_s
        self._fds = () if fd is None else (fd,)
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *bound_to_parent(self._argv, signal.SIGKILL),
            env={**os.environ, **self._variables},
            pass_fds=self._fds,
            start_new_session=True,
        )

    async def wait(self) -> int:
        return 0 if self._process is None else await self._process.wait()

    async def stop(self) -> None:
        """SIGTERM and, past its own grace, SIGKILL."""
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            async with asyncio.timeout(self._grace_s + _KILL_AFTER_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


async def run_store(variables: Mapping[str, str]) -> None:
    """Run the store service until told to stop. Raises BadSetting, NotReachable, PartFailed."""
    config = settings.read(StoreConfig, variables)
    if not config.jwt_secret and config.app_env == "development":
        own = shared_secrets(Path(config.pasar_data_dir)).jwt_secret
        variables = {**variables, "JWT_SECRET": own}
        config = settings.read(StoreConfig, variables)
    await preflight_check(config)
    grace_s = float(config.app_shutdown_timeout + config.app_drain_delay)
    supervisor = Supervisor(SystemClock())
    with _listen(config.app_port) as listener:
        worker = Service("store-worker", variables=variables, grace_s=grace_s)
        await supervisor.start(worker=worker)
        web: dict[str, Process] = {
            f"web-{number}": Service(
                "store-web", variables=variables, grace_s=grace_s, fd=listener.fileno()
            )
            for number in range(config.web_processes())
        }
        await supervisor.start(**web)
        await supervisor.until_told()


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server(("0.0.0.0", port), backlog=2048)  # noqa: S104  a public API
    except OSError as fault:
        raise settings.BadSetting("APP_PORT", f"{port} {fault.strerror}") from fault
