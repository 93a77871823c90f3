"""The data directory: held by one, private, and found by the others."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path

import pytest

from pasar.engines.datadir import DataDirectory, running
from pasar.engines.errors import AlreadyRunning, EngineError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "some" / "data"


@pytest.fixture
def directory(path: Path) -> Iterator[DataDirectory]:
    opened = DataDirectory(path)
    yield opened
    opened.close()


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_everything_in_it_is_private(directory: DataDirectory) -> None:
    directory.announce({"DB_PASSWORD": "secret"}, {})

    assert mode(directory.path) == 0o700
    assert {mode(file) for file in directory.path.iterdir()} == {0o600}


def test_secrets_are_made_once_and_are_all_different(path: Path) -> None:
    first = DataDirectory(path)
    first.close()
    second = DataDirectory(path)
    second.close()

    assert first.secrets == second.secrets
    assert len(set(astuple(first.secrets))) == 6
    assert all(len(secret) == 64 for secret in astuple(first.secrets))
    assert first.secrets.jwt_secret not in repr(first.secrets)


def test_a_secret_added_by_a_later_version_is_made_up_beside_the_old_ones(path: Path) -> None:
    path.mkdir(parents=True)
    (path / "secrets.json").write_text('{"jwt_secret": "old"}')
    for _ in range(2):
        directory = DataDirectory(path)
        directory.close()

    assert directory.secrets.jwt_secret == "old"
    assert directory.secrets.valkey_password in (path / "secrets.json").read_text()


def test_a_second_run_is_told_where_the_first_one_is(directory: DataDirectory) -> None:
    with pytest.raises(AlreadyRunning, match=rf"\(pid {os.getpid()}\): starting$"):
        DataDirectory(directory.path)
    directory.announce({}, {"store": "http://127.0.0.1:8080"})

    with pytest.raises(AlreadyRunning) as fault:
        DataDirectory(directory.path)
    assert str(fault.value).endswith("store http://127.0.0.1:8080")
    assert fault.value.exit_code == 1


def test_others_find_the_run_while_it_lasts(directory: DataDirectory) -> None:
    assert running(directory.path) is None
    directory.announce({"DB_PORT": "15432"}, {})
    run = running(directory.path)

    assert run is not None
    assert (run.pid, run.variables) == (os.getpid(), {"DB_PORT": "15432"})


def test_closing_lets_the_next_one_in_and_forgets_the_run(path: Path) -> None:
    first = DataDirectory(path)
    first.announce({}, {})
    first.close()

    assert running(path) is None
    DataDirectory(path).close()


def test_what_a_dead_run_left_is_ignored(directory: DataDirectory) -> None:
    directory.announce({}, {})
    dead = subprocess.Popen(["true"])
    dead.wait()
    file = directory.path / "run.json"
    file.write_text(file.read_text().replace(f'"pid": {os.getpid()}', f'"pid": {dead.pid}'))

    assert running(directory.path) is None


def test_a_place_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EngineError, match=r"^data directory .*file/data: Not a directory"):
        DataDirectory(tmp_path / "file" / "data")
