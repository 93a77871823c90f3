"""`pasar up` on an empty machine: what it prints, who may share it, what comes back."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import (
    Command,
    assert_buys,
    assert_only_the_shop_is_public,
    engine_ports,
    free,
    run,
)


@pytest.fixture(scope="module")
def up(folder: Path) -> Iterator[Command]:
    """A first start, on an empty data directory, with the default delays of the bank."""
    ports = engine_ports() | free(
        "APP_PORT", "PAYMENT_GRPC_PORT", "METRICS_PORT", "PAYMENT_METRICS_PORT"
    )
    command = Command("up", folder, {"BROKER": "streams", **ports})
    try:
        command.says("\nready in ")
        yield command
        command.interrupt()
        assert command.ends() == 0
        command.leaves_nobody(within_s=1)
    finally:
        command.clear()


def test_the_table_says_what_runs_where_and_why(up: Command) -> None:
    port = up.variables["DB_PORT"]

    assert f"embedded (nothing listened on localhost:{port})" in up.row("postgres")
    assert f"127.0.0.1:{up.variables['REDIS_PORT']}" in up.row("valkey")
    assert "BROKER=streams" in up.row("broker")
    assert f"127.0.0.1:{up.variables['PAYMENT_GRPC_PORT']}" in up.row("payment")
    assert f"http://127.0.0.1:{up.variables['APP_PORT']}" in up.row("store")
    assert "the seeded admin is in force" in up.logged
    assert "JWT_SECRET is not set" in up.logged


def test_the_printed_purchase_ends_in_paid(up: Command) -> None:
    assert_buys(up, within_s=3)


def test_a_second_one_is_told_who_runs_and_where(up: Command) -> None:
    second = run("up", folder=up.folder)

    assert second.returncode == 1
    assert f"pid {up.process.pid}" in second.stderr
    assert f"http://127.0.0.1:{up.variables['APP_PORT']}" in second.stderr


def test_the_audit_finds_the_shop_by_itself(up: Command) -> None:
    plain = run("verify", folder=up.folder)
    asked = run("verify", "--json", "--calm", folder=up.folder)

    assert plain.returncode == 0, plain.stdout
    assert "holds" in plain.stdout
    assert asked.returncode == 0, asked.stdout
    assert json.loads(asked.stdout)["findings"]


def test_the_audit_finds_it_too_with_the_settings_that_it_was_started_with(up: Command) -> None:
    """As in the same terminal, or beside the same `.env`; nobody was told the password."""
    audit = run("verify", folder=up.folder, **up.variables)

    assert audit.returncode == 0, audit.stderr


def test_the_audit_of_another_database_leaves_the_running_shop_aside(up: Command) -> None:
    audit = run("verify", folder=up.folder, **up.variables, DB_NAME="elsewhere")

    assert audit.returncode == 2


def test_other_commands_are_told_the_settings_and_nothing_else_of_the_terminal(up: Command) -> None:
    told = json.loads((up.folder / ".local/data/run.json").read_text())["variables"]

    assert told["DB_PORT"] == up.variables["DB_PORT"]
    assert "PATH" not in told


def test_h57_only_the_shop_itself_can_be_reached_from_elsewhere(up: Command) -> None:
    assert_only_the_shop_is_public(up)


def test_h57_nobody_else_may_read_or_change_the_data(up: Command) -> None:
    data = up.folder / ".local/data"
    within = {path.name: path for path in data.iterdir()}

    assert within.keys() >= {"pg", "valkey", "log", "secrets.json", "run.json"}
    assert [path for path in (data, *within.values()) if path.stat().st_mode & 0o066] == []


def test_a_demo_shop_is_planted_once(up: Command) -> None:
    again = run("seed", folder=up.folder)

    assert again.returncode == 1
    assert again.stderr == "pasar: the database holds products or orders already\n"


def test_what_is_killed_comes_back(up: Command) -> None:
    for words in ("store-web", "store-worker", "pasar payment", "valkey-server"):
        up.kill(words)
    assert_buys(up, within_s=10)
