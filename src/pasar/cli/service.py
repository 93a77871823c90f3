"""One `pasar` command as a child process: dies with us, stops within its grace."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from pasar.engines.process import bound_to_parent

# glibc would keep what a thread hashed its last password in, 19 MiB each. So large a block goes
# back to the system, and comes as huge pages, or its page faults would cost a third of the hash.
_MEMORY: Final = {"GLIBC_TUNABLES": "glibc.malloc.mmap_threshold=4194304:glibc.malloc.hugetlb=1"}


CLOSING_S: Final = 10.0  # beyond a service's own grace: its parts close, each within 5 s


class CommandFailed(Exception):
    """A command that was run to its end has said itself why it failed."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(exit_code)
        self.exit_code = exit_code


class Service:
    """
    A service, kept by a supervisor.

    Killed with us rather than stopped: whoever kills a supervisor ends its engines too, and then
    there is nothing left to finish a request with. In a session of its own, so that Ctrl-C reaches
    it once, through us. `hurry` cuts its drain short.
    """

    def __init__(
        self,
        *command: str,
        variables: Mapping[str, str],
        grace_s: float,
        hurry: asyncio.Event,
        listener: socket.socket | None = None,
    ) -> None:
        """Take the command's words; a `listener` is handed on, its number being the last word."""
        self._command = command
        self._variables = variables
        self._grace_s = grace_s
        self._hurry = hurry
        self._listener = listener
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        handed = [] if self._listener is None else [self._listener.fileno()]
        argv = [sys.executable, "-m", "pasar", *self._command, *map(str, handed)]
        self._process = await asyncio.create_subprocess_exec(
            *bound_to_parent(argv, signal.SIGKILL),
            env={**_MEMORY, **os.environ, **self._variables},
            pass_fds=handed,
            start_new_session=True,
        )

    async def wait(self) -> int:
        return 0 if self._process is None else await self._process.wait()

    async def stop(self) -> None:
        """SIGTERM and, past its grace or when hurried, SIGKILL."""
        if self._listener is not None:
            self._listener.close()  # else callers would queue for nobody
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        ended = asyncio.ensure_future(self._process.wait())
        hurried = asyncio.ensure_future(self._hurry.wait())
        await asyncio.wait(
            (ended, hurried), timeout=self._grace_s, return_when=asyncio.FIRST_COMPLETED
        )
        hurried.cancel()
        if not ended.done():
            with suppress(ProcessLookupError):
                self._process.kill()
        await ended


async def done(*command: str, variables: Mapping[str, str]) -> None:
    """
    Run a command to its end: what it loads, this process then never does. Raises CommandFailed.

    A supervisor stays as small as it starts, and it is there as long as the shop.
    """
    child = Service(*command, variables=variables, grace_s=CLOSING_S, hurry=asyncio.Event())
    await child.start()
    try:
        code = await child.wait()
    finally:
        await child.stop()
    if code != 0:
        raise CommandFailed(code)
