"""What a process does not load: each library costs every process that has it some MiB."""

import subprocess
import sys

import pytest

from pasar.cli.entry import PARTS, RUNNING

COMMAND_LINE = {"click", "pydantic", "pydantic_core", "typer"}
MIGRATION = {"alembic", "mako", "sqlalchemy"}
PICTURES = {"PIL", "obstore"}
HTTP = {"httptools", "starlette", "uvicorn"}
SIGNING_IN = {"argon2", "bcrypt", "jwt"}
ENGINES = {"hiredis", "prometheus_client", "redis"}
UVICORN_S_OWN = {"click"}

SPARED = {
    "up": COMMAND_LINE | MIGRATION | PICTURES | SIGNING_IN | ENGINES | {"grpc", "uvicorn"},
    "store": COMMAND_LINE | MIGRATION | PICTURES | SIGNING_IN | ENGINES | {"grpc", "uvicorn"},
    "prepare": COMMAND_LINE | MIGRATION | PICTURES | {"grpc", "uvicorn"},
    "store-web": COMMAND_LINE - UVICORN_S_OWN | MIGRATION | PICTURES | {"grpc"},
    "store-worker": COMMAND_LINE | MIGRATION | PICTURES | SIGNING_IN | HTTP,
    "payment": COMMAND_LINE | MIGRATION | PICTURES | SIGNING_IN | HTTP,
}


def loaded(module: str) -> set[str]:
    """Return the packages that a fresh interpreter has once it has imported the module."""
    program = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    told = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60
    )
    return {*told.stdout.split()}


@pytest.mark.parametrize("command", SPARED)
def test_a_process_loads_no_library_of_another_ones_work(command: str) -> None:
    module = f"pasar.cli.{command.replace('-', '_')}"

    assert loaded(f"pasar.cli.entry, {module}") & SPARED[command] == set()


def test_every_process_that_stays_is_looked_at() -> None:
    assert {*RUNNING, *PARTS} == SPARED.keys()
