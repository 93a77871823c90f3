"""What is wrong with a variable is said in one line, with exit code 78, before anything starts."""

import socket
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.cli.command import run

ORDER = "0190c7a2-0000-7000-8000-000000000001"
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


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"DB_PORT": "1"}, "Connect call failed ('127.0.0.1', 1)"),
        ({"DB_PASSWORD": "wrong"}, "password authentication failed for user"),
        ({"DB_NAME": "nowhere"}, 'database "nowhere" does not exist'),
        ({"DB_NAME": "postgres"}, "not migrated: run `pasar migrate`"),
    ],
)
def test_why_there_is_nothing_to_audit_is_said(
    wrong: Mapping[str, str], said: str, engines: Mapping[str, str], tmp_path: Path
) -> None:
    audit = run("verify", folder=tmp_path, **{**engines, "DB_HOST": "127.0.0.1", **wrong})

    assert audit.returncode == 2, audit.stderr
    assert audit.stdout.startswith("not checkable: database")
    assert said in audit.stdout
    assert audit.stdout.count("\n") == 1


@pytest.mark.parametrize("words", [("dead-letters", "list"), ("timeline", ORDER)])
def test_why_a_command_cannot_ask_the_database_is_said(
    words: tuple[str, ...], engines: Mapping[str, str], tmp_path: Path
) -> None:
    refused = run(*words, folder=tmp_path, **{**engines, "DB_PASSWORD": "wrong"})

    assert refused.returncode == 1
    assert "\npasar: database: password authentication failed for user" in refused.stderr


def test_a_demo_shop_needs_a_running_shop(tmp_path: Path) -> None:
    seeded = run("seed", folder=tmp_path)

    assert seeded.returncode == 1
    assert seeded.stderr == "pasar: no `pasar up` runs on this data directory\n"
