"""What a process does not load: each library costs every process that has it some MiB."""

import subprocess
import sys

import pytest

PICTURES = {"PIL", "obstore"}
MIGRATION = {"alembic", "mako", "sqlalchemy"}
HTTP = {"httptools", "starlette", "uvicorn"}
SIGNING_IN = {"argon2", "bcrypt", "jwt"}


def loaded(module: str) -> set[str]:
    """Return the packages that a fresh interpreter has once it has imported the module."""
    program = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    told = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60
    )
    return {*told.stdout.split()}


@pytest.mark.parametrize(
    ("module", "spared"),
    [
        pytest.param("store_web", {"grpc"} | MIGRATION | PICTURES, id="web"),
        pytest.param("store_worker", HTTP | MIGRATION | PICTURES | SIGNING_IN, id="worker"),
        pytest.param("payment", HTTP | MIGRATION | PICTURES | SIGNING_IN, id="payment"),
    ],
)
def test_a_process_loads_no_library_of_another_ones_work(module: str, spared: set[str]) -> None:
    assert loaded(f"pasar.cli.{module}") & spared == set()
