"""
Our own NSQ: nsqd and nsqlookupd, if somebody built them (`make nsq`).

Loopback matters: both authenticate nobody, so whoever reaches nsqd can publish
`payment.success`.
"""

import os
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from pasar.engines.engine import Engine
from pasar.engines.errors import EngineError
from pasar.engines.nsq_login import greet_nsqd, greet_nsqlookupd
from pasar.engines.process import ChildProcess, Launch


class NsqDaemon(Engine):
    """One of the two."""

    def __init__(
        self, launch: Launch, greet: Callable[[], Awaitable[str]], data: Path | None
    ) -> None:
        super().__init__(data)
        self._launch = launch
        self._greet = greet

    async def start(self) -> str:
        """Both are optional, so a missing binary has a sentence of its own."""
        if not os.access(self._launch.command[0], os.X_OK):
            raise EngineError("no nsqd here: run make nsq, start nsqd, or set BROKER=streams")
        if self.data is not None:
            self.data.mkdir(mode=0o700, exist_ok=True)
        self._child = ChildProcess(self._launch)
        return await self._child.until_ready(self._greet)


def nsqlookupd(*, binaries: Path, log: Path, host: str, tcp_port: int, http_port: int) -> NsqDaemon:
    """Return the directory of topics; it keeps nothing on disk."""
    command = (
        str(binaries / "nsqlookupd"),
        f"--tcp-address={host}:{tcp_port}",
        f"--http-address={host}:{http_port}",
        f"--broadcast-address={host}",
    )
    launch = Launch(name="nsqlookupd", command=command, log=log)
    return NsqDaemon(launch, partial(greet_nsqlookupd, host, http_port), None)


def nsqd(
    *,
    binaries: Path,
    folder: Path,
    log: Path,
    host: str,
    tcp_port: int,
    http_port: int,
    lookupd_tcp: str,
    flags: tuple[str, ...] = ("--mem-queue-size=0",),
) -> NsqDaemon:
    """
    Return the broker.

    `flags`: kill -9 loses every message that waits in memory, so none does (1,250 of 2,000 are
    lost nevertheless: correctness never rests here). Fault tests pass none, for nsqd's defaults.
    """
    data = folder / "nsqd"
    command = (
        str(binaries / "nsqd"),
        f"--tcp-address={host}:{tcp_port}",
        f"--http-address={host}:{http_port}",
        f"--broadcast-address={host}",  # else lookupd hands out the machine's name
        f"--lookupd-tcp-address={lookupd_tcp}",
        f"--data-path={data}",
        *flags,
    )
    launch = Launch(name="nsqd", command=command, log=log)
    return NsqDaemon(launch, partial(greet_nsqd, host, tcp_port), data)
