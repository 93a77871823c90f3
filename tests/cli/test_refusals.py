"""What is wrong with a variable is said in one line, with exit code 78, before anything starts."""

import socket
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.cli.command import run

SECRET = "a secret of these tests, 32 bytes and more"


@pytest.mark.parametrize(
    ("command", "variable", "value"),
    [
        ("up", "JWT_ACCESS_EXPIRY", "15"),
        ("up", "APP_WORKERS", "many"),
        ("up", "JWT_SECRET", "secret"),
        ("up", "PAYMENT_SUCCESS_RATE", "2"),
        ("store", "JWT_REFRESH_EXPIRY", "a week"),
        ("store", "APP_PORT", "0"),
        ("payment", "PAYMENT_DELAY_MIN", "soon"),
        ("payment", "PAYMENT_TLS_CERT_FILE", "alone.pem"),
    ],
)
def test_a_wrong_variable_is_named(command: str, variable: str, value: str, tmp_path: Path) -> None:
    refused = run(command, folder=tmp_path, **{"JWT_SECRET": SECRET, variable: value})

    assert_refused(refused.stderr, variable)
    assert refused.returncode == 78
    assert not (tmp_path / ".local" / "data" / "pg").exists()


def test_certificates_are_read_before_anything_starts(tmp_path: Path) -> None:
    missing = {"PAYMENT_TLS_CERT_FILE": "none.pem", "PAYMENT_TLS_KEY_FILE": "none.pem"}
    refused = run("up", folder=tmp_path, JWT_SECRET=SECRET, **missing)

    assert_refused(refused.stderr, "PAYMENT_TLS_CERT_FILE")
    assert refused.returncode == 78


@pytest.mark.parametrize("variable", ["APP_PORT", "PAYMENT_GRPC_PORT"])
def test_a_taken_port_is_named_with_its_holder(variable: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = str(holder.getsockname()[1])
        refused = run("up", folder=tmp_path, JWT_SECRET=SECRET, **{variable: port})

    assert refused.returncode == 78
    assert refused.stderr.startswith(f"pasar: {variable}: port {port} is taken by ")


@pytest.mark.parametrize("command", ["up", "store"])
def test_production_says_every_secret_it_misses(command: str, tmp_path: Path) -> None:
    keys = {} if command == "up" else {"DB_HOST": "127.0.0.1", "DB_PORT": "1"}
    refused = run(command, folder=tmp_path, APP_ENV="production", JWT_SECRET="secret", **keys)
    made_by_up = [] if command == "up" else ["EVENT_SIGNING_KEY", "PAYMENT_SERVICE_TOKEN"]

    assert_refused(refused.stderr, "JWT_SECRET", *made_by_up)
    assert refused.returncode == 78


def test_more_web_processes_than_the_embedded_server_has_connections_are_refused(
    tmp_path: Path,
) -> None:
    refused = run("up", folder=tmp_path, JWT_SECRET=SECRET, APP_WORKERS="64")

    assert_refused(refused.stderr, "APP_WORKERS")


def assert_refused(said: str, *variables: str) -> None:
    """Each of them in a line of its own, and nothing else."""
    lines = [line for line in said.splitlines() if line.startswith("pasar: ")]
    assert [line.split(":")[1].strip() for line in lines] == [f"invalid {v}" for v in variables]


def test_nothing_to_audit_is_said(tmp_path: Path) -> None:
    nowhere: Mapping[str, str] = {"DB_HOST": "127.0.0.1", "DB_PORT": "1"}
    audit = run("verify", folder=tmp_path, **nowhere)

    assert audit.returncode == 2
    assert audit.stdout == "not checkable: the database is away, too slow or not migrated\n"


def test_a_demo_shop_needs_a_running_shop(tmp_path: Path) -> None:
    seeded = run("seed", folder=tmp_path)

    assert seeded.returncode == 1
    assert seeded.stderr == "pasar: no `pasar up` runs on this data directory\n"
