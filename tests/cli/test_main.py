"""The command line itself: what it offers."""

from pathlib import Path

import pytest

from pasar.cli.entry import PARTS, RUNNING
from pasar.cli.main import COMMANDS
from tests.cli.command import run


@pytest.fixture(scope="module")
def offer(tmp_path_factory: pytest.TempPathFactory) -> str:
    return run("--help", folder=tmp_path_factory.mktemp("help")).stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_offered(command: str, offer: str) -> None:
    assert f" {command} " in offer


def test_what_only_the_program_starts_is_not(offer: str) -> None:
    assert not [part for part in PARTS if part in offer]


@pytest.mark.parametrize("command", RUNNING)
def test_what_runs_for_long_explains_itself_as_well(command: str, tmp_path: Path) -> None:
    explained = run(command, "--help", folder=tmp_path)
    refused = run(command, "--what", folder=tmp_path)

    assert f"pasar {command} [OPTIONS]" in explained.stdout
    assert refused.returncode == 2


def test_the_version_is_the_installed_one(tmp_path: Path) -> None:
    assert run("version", folder=tmp_path).stdout == "0.1.0\n"


def test_an_unknown_command_is_refused(tmp_path: Path) -> None:
    assert run("sell", folder=tmp_path).returncode == 2
