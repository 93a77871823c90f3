"""How `pasar up` ends, and starts again on the data it left."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from pasar.cli.demo import PRODUCT_ID
from pasar.kit.postgres import PostgresDatabase, PostgresSettings
from tests.cli.command import (
    assert_buys,
    assert_only_the_shop_is_public,
    engine_ports,
    free,
)
from tests.cli.conftest import Starting


@pytest.fixture(scope="module")
def variables() -> Mapping[str, str]:
    """Ports of this module, so that each start finds them where the last one left them."""
    return {"BROKER": "streams", **engine_ports(), **free("APP_PORT", "PAYMENT_GRPC_PORT")}


def test_ctrl_c_leaves_no_process_and_the_data_start_again_at_once(
    start: Starting, variables: Mapping[str, str]
) -> None:
    first = start("up", **variables)
    first.says("\nready in ")
    first.interrupt()
    assert first.ends() == 0
    first.leaves_nobody(within_s=1)
    began = time.monotonic()
    second = start("up", **variables)
    second.says("\nready in ")

    assert time.monotonic() - began < 6
    assert "Kopi Gayo" in products(variables)
    second.interrupt()
    assert second.ends() == 0


def test_killing_the_supervisor_ends_everything(
    start: Starting, variables: Mapping[str, str]
) -> None:
    up = start("up", **variables)
    up.says("worker started")
    up.says("\nready in ")
    assert len(up.children) >= 5
    os.kill(up.process.pid, signal.SIGKILL)

    up.leaves_nobody(within_s=3)


def test_d44_h57_over_nsq_the_very_first_order_is_paid_and_only_the_shop_is_public(
    start: Starting, variables: Mapping[str, str], folder: Path, nsq_binaries: Path
) -> None:
    (folder / ".local").mkdir(exist_ok=True)
    (folder / ".local" / "bin").symlink_to(nsq_binaries)
    names = ("NSQD_ADDR", "NSQD_HTTP_ADDR", "NSQ_LOOKUPD_ADDR")
    addresses = {name: f"127.0.0.1:{port}" for name, port in free(*names).items()}
    up = start("up", **{**variables, **addresses, "BROKER": "nsq"})
    up.says("\nready in ")

    assert_buys(up, within_s=3)
    assert_only_the_shop_is_public(up)
    up.interrupt()
    assert up.ends() == 0
    up.leaves_nobody(within_s=1)


def test_a_signal_in_the_middle_of_the_start_undoes_it(
    start: Starting, variables: Mapping[str, str]
) -> None:
    up = start("up", **variables)
    up.says("the seeded admin is in force")  # the engines run, the services do not yet
    up.process.terminate()

    assert up.ends() == 0
    up.leaves_nobody(within_s=1)
    assert "ready in" not in up.said


def test_an_engine_that_keeps_dying_ends_the_run_with_its_last_words(
    start: Starting, variables: Mapping[str, str]
) -> None:
    up = start("up", **variables)
    up.says("\nready in ")
    for _ in range(4):
        up.kill("valkey-server")
    valkey = up.only("valkey-server")
    os.kill(valkey, signal.SIGKILL)

    assert up.ends() == 1
    assert "pasar: valkey died 5 times in 60 s" in up.logged
    assert "end of " in up.said
    up.leaves_nobody(within_s=1)


async def test_somebodys_own_servers_get_no_demo_shop_and_are_not_stopped(
    start: Starting,
    variables: Mapping[str, str],
    clone: PostgresSettings,
    owner: PostgresDatabase,
    engines: Mapping[str, str],
    tmp_path: Path,
) -> None:
    up = start("up", **{**variables, **engines, "PASAR_DATA_DIR": str(tmp_path)})
    up.says("\nready in ")
    up.interrupt()

    assert up.ends() == 0
    assert f"external (DB_HOST={clone.host}:{clone.port})" in up.row("postgres")
    assert await owner.fetch("SELECT FROM products") == []
    assert "try" not in up.said


def products(variables: Mapping[str, str]) -> str:
    url = f"http://127.0.0.1:{variables['APP_PORT']}/api/v1/products/{PRODUCT_ID}"
    return subprocess.run(["curl", "-s", url], check=True, capture_output=True, text=True).stdout
