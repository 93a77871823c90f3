"""The command line itself: what it offers, and what a command does not load."""

import subprocess
import sys
from pathlib import Path

import pytest

from pasar.cli.main import COMMANDS, PROCESSES
from tests.cli.command import run


@pytest.fixture(scope="module")
def offer(tmp_path_factory: pytest.TempPathFactory) -> str:
    return run("--help", folder=tmp_path_factory.mktemp("help")).stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_offered(command: str, offer: str) -> None:
    assert f" {command} " in offer


def test_what_only_the_program_starts_is_not(offer: str) -> None:
    assert not [process for process in PROCESSES if process in offer]


def test_the_version_is_the_installed_one(tmp_path: Path) -> None:
    assert run("version", folder=tmp_path).stdout == "0.1.0\n"


def test_an_unknown_command_is_refused(tmp_path: Path) -> None:
    assert run("sell", folder=tmp_path).returncode == 2


@pytest.mark.parametrize(
    ("command", "unused"),
    [
        ("up", "sqlalchemy"),
        ("up", "grpc"),
        ("store_web", "sqlalchemy"),
        ("store_web", "grpc"),
        ("payment", "uvicorn"),
    ],
)
def test_a_command_loads_nothing_heavy_that_it_does_not_use(command: str, unused: str) -> None:
    """Half a second and 40 MB for each process, if it did."""
    ask = f"import sys, pasar.cli.main, pasar.cli.{command}; sys.exit({unused!r} in sys.modules)"

    assert subprocess.run([sys.executable, "-c", ask], check=False).returncode == 0
