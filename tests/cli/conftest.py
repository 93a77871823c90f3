"""A folder per module to keep data in, and `pasar` as a process that ends with its test."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from pasar.engines.valkey_login import ValkeyLogin
from pasar.kit.postgres import PostgresSettings
from tests.cli.command import Command

Starting = Callable[..., Command]


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Everybody may pass through it, which root's engines need where they step down."""
    path = Path(tempfile.mkdtemp(prefix="pasar-tests-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def start(folder: Path) -> Iterator[Starting]:
    started: list[Command] = []

    def make(name: str, **variables: str) -> Command:
        started.append(Command(name, folder, variables))
        return started[-1]

    yield make
    for command in started:
        command.clear()
        command.leaves_nobody(within_s=5)


@pytest.fixture
def engines(clone: PostgresSettings, valkey: ValkeyLogin) -> Mapping[str, str]:
    """A migrated database of this test's own and a Redis, as somebody's own servers."""
    return {
        "DB_HOST": clone.host,
        "DB_PORT": str(clone.port),
        "DB_USER": clone.user,
        "DB_PASSWORD": clone.password,
        "DB_NAME": clone.database,
        "REDIS_HOST": valkey.host,
        "REDIS_PORT": str(valkey.port),
        "REDIS_PASSWORD": valkey.password,
    }
