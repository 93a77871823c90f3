"""The command `pasar` as a process, as somebody at a terminal has it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pasar.engines.ports import any_free
from tests.journeys.processes import listening, unix_listening
from tests.waiting import wait_until

HOST: Final = "127.0.0.1"
LIMIT_S: Final = 40.0
QUICK: Final = {
    "PATH": os.environ["PATH"],
    "APP_WORKERS": "1",
    "ARGON2_MEMORY": "64",
    "ARGON2_TIME": "1",
    "RATE_LIMIT_PUBLIC": "0",
    "RATE_LIMIT_AUTH": "0",
    "RATE_LIMIT_LOGIN": "0",
}


def free(*variables: str) -> dict[str, str]:
    return {variable: str(any_free(HOST)) for variable in variables}


def engine_ports() -> dict[str, str]:
    return free("DB_PORT", "REDIS_PORT")


def run(*words: str, folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "pasar", *words],
        check=False,
        env={**QUICK, **variables},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )


@dataclass(slots=True)
class Command:
    """One that runs until told to stop; its folder is its working directory."""

    name: str
    folder: Path
    variables: Mapping[str, str]
    process: "subprocess.Popen[bytes]" = field(init=False)
    children: set[int] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        with self._output("out").open("wb") as out, self._output("err").open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "pasar", self.name],
                env={**QUICK, **self.variables},
                cwd=self.folder,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    def _output(self, kind: str) -> Path:
        return self.folder / f"{self.name}.{kind}"

    @property
    def said(self) -> str:
        return self._output("out").read_text()

    @property
    def logged(self) -> str:
        return self._output("err").read_text()

    def says(self, text: str, count: int = 1) -> None:
        """Wait until it has printed or logged the text so often."""

        def has() -> bool:
            assert self.process.poll() is None, self.said + self.logged
            return (self.said + self.logged).count(text) >= count

        wait_until(has, within_s=LIMIT_S, what=f"{text!r} in {self.said + self.logged}")
        self.children |= set(self.descendants())

    def ready_in_s(self) -> float:
        self.says("\nready in ")
        found = re.search(r"ready in ([\d.]+) s", self.said)
        assert found
        return float(found[1])

    def row(self, name: str) -> str:
        """Return the last line of the table that begins with the name."""
        return [line for line in self.said.splitlines() if line.startswith(f"{name} ")][-1]

    def descendants(self, words: str = "") -> list[int]:
        """Return the living processes below it whose command line has these words."""
        return descendants(self.process.pid, words)

    def everybody(self) -> list[int]:
        """Return all of its living processes, itself the first."""
        return [self.process.pid, *self.descendants()]

    def only(self, words: str) -> int:
        """Return the one child with these words in its command line, once there is just one."""
        # A process that is just becoming another has no command line for a moment.
        found: list[int] = []

        def one() -> bool:
            found[:] = self.descendants(words)
            return len(found) == 1

        wait_until(one, within_s=LIMIT_S, what=f"one {words}")
        return found[0]

    def kill(self, words: str) -> None:
        """Kill the child with these words in its command line and wait for its successor."""
        victim = self.only(words)
        os.kill(victim, signal.SIGKILL)
        wait_until(
            lambda: [pid for pid in self.descendants(words) if pid != victim],
            within_s=LIMIT_S,
            what=f"new {words}",
        )
        self.children |= set(self.descendants())

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def ends(self) -> int:
        return self.process.wait(LIMIT_S)

    def leaves_nobody(self, within_s: float) -> None:
        wait_until(
            lambda: not any(map(command_line, self.children)), within_s=within_s, what="no process"
        )

    def clear(self) -> None:
        self.process.kill()
        self.process.wait(LIMIT_S)


def descendants(ancestor: int, words: str) -> list[int]:
    """Return the living processes below that one whose command line has these words."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            rest = stat.read_text().rpartition(")")[2].split()
            parents.setdefault(int(rest[1]), []).append(int(stat.parent.name))
    found, below = list[int](), [ancestor]
    while below:
        below = [child for parent in below for child in parents.get(parent, [])]
        found += below
    return [pid for pid in found if words in command_line(pid)]


def command_line(pid: int) -> str:
    """Return what runs under this number, "" when nothing does."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()
    except OSError:
        return ""


def assert_buys(up: Command, *, within_s: float) -> None:
    """Paste the line that it printed."""
    line = up.row("try").removeprefix("try").strip()
    began = time.monotonic()
    bought = subprocess.run(["bash", "-c", line], check=True, capture_output=True, timeout=LIMIT_S)

    assert bought.stdout == b'"status":"paid"\n'
    assert time.monotonic() - began < within_s


def assert_only_the_shop_is_public(up: Command) -> None:
    """Look at every socket of its processes once those that it was told to open are open."""
    told = {
        value.rpartition(":")[2]
        for name, value in up.variables.items()
        if name.endswith(("_PORT", "_ADDR"))
    }
    public = ("0.0.0.0", up.variables["APP_PORT"])  # noqa: S104  meant for everybody

    def open_at() -> set[tuple[str, str]]:
        return {(host, str(port)) for host, port in listening(up.everybody())}

    wait_until(
        lambda: {port for _, port in open_at()} >= told,
        within_s=LIMIT_S,
        what=f"{told} being open",
    )
    assert {(host, port) for host, port in open_at() if host != HOST} == {public}
    assert unix_listening(up.everybody()) == []
