"""Engines end with their supervisor, in each way in which they can be started."""

import os
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL
from typing import Final

import pytest

from pasar.engines.leftover import command_line
from tests.waiting import wait_until

SUPERVISOR: Final = Path(__file__).with_name("supervisor.py")
SOURCE: Final = Path(__file__).parents[2] / "src"
NOBODY: Final = 65534

linux_root = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="needs root on Linux"
)
# The engines' binaries are beside the checkout: whoever is not root must be able to get there.
open_to_nobody = pytest.mark.skipif(
    not all(folder.stat().st_mode & 0o001 for folder in SOURCE.parents),
    reason="NOT RUN: A FOLDER ABOVE THIS CHECKOUT IS CLOSED TO OTHER USERS",
)
linux = pytest.mark.skipif(sys.platform != "linux", reason="macOS has no parent-death signal")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Below a directory that everybody may pass through, which pytest's own is not."""
    with tempfile.TemporaryDirectory(prefix="pasar-tests-") as parent:
        Path(parent).chmod(0o755)
        yield Path(parent) / "data"


Supervise = Callable[..., "tuple[subprocess.Popen[str], list[int]]"]


@pytest.fixture
def supervise(folder: Path) -> Iterator[Supervise]:
    running: list[subprocess.Popen[str]] = []

    def start(
        *options: str, python: str = sys.executable, user: int | None = None
    ) -> tuple[subprocess.Popen[str], list[int]]:
        packages = f"{SOURCE}:{sysconfig.get_path('platlib')}"
        process = subprocess.Popen(
            [python, str(SUPERVISOR), str(folder), *options],
            stdout=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": packages},
            cwd="/",
            user=user,
        )
        running.append(process)
        assert process.stdout is not None
        return process, [int(pid) for pid in process.stdout.readline().split()]

    yield start
    for process in running:
        process.kill()
        process.communicate()


def kill(supervisor: "subprocess.Popen[str]") -> None:
    supervisor.send_signal(SIGKILL)
    supervisor.wait()


def assert_gone(pids: list[int]) -> None:
    assert len(pids) == 2
    wait_until(lambda: not any(map(command_line, pids)), within_s=3)


def owner(path: Path) -> int:
    return path.stat().st_uid


@linux
def test_killing_the_supervisor_ends_the_engines_cleanly(
    supervise: Supervise, folder: Path
) -> None:
    supervisor, pids = supervise()
    assert all(map(command_line, pids))
    kill(supervisor)
    assert_gone(pids)

    assert owner(folder / "pg") == os.geteuid()
    assert not (folder / "pg" / "postmaster.pid").exists()
    assert not (folder / "valkey" / "valkey.pid").exists()


@linux_root
@open_to_nobody
def test_root_without_user_namespaces_becomes_nobody_and_finds_back(
    supervise: Supervise, folder: Path
) -> None:
    supervisor, pids = supervise("no-unshare")
    kill(supervisor)
    assert_gone(pids)
    assert owner(folder / "pg" / "PG_VERSION") == NOBODY
    assert folder.stat().st_mode & 0o777 == 0o711
    assert owner(folder / "secrets.json") == 0

    supervisor, pids = supervise()
    kill(supervisor)
    assert_gone(pids)
    assert owner(folder / "pg" / "PG_VERSION") == 0


@linux_root
@open_to_nobody
def test_an_ordinary_user_needs_neither(supervise: Supervise, folder: Path) -> None:
    python = python_for(NOBODY)
    folder.mkdir(mode=0o700)
    os.chown(folder, NOBODY, NOBODY)
    supervisor, pids = supervise(python=python, user=NOBODY)
    kill(supervisor)
    assert_gone(pids)

    assert owner(folder / "pg") == NOBODY


def python_for(user: int) -> str:
    """Return a Python of our version that this user may run; ours may be below /root."""
    ours = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, f"/usr/bin/{ours}", f"/usr/local/bin/{ours}"):
        with suppress(FileNotFoundError, PermissionError):
            subprocess.run([python, "-c", ""], user=user, check=True)
            return python
    pytest.skip(f"no {ours} that an ordinary user may run")
