"""`pasar verify` as a program reads it: exit codes, and what stands on its standard output."""

import json
from pathlib import Path

import pytest

from pasar.kit.postgres import PostgresDatabase, PostgresSettings
from tests.audit.shop import CHECKOUT, IDS, SHOP, plant
from tests.cli.command import run


@pytest.fixture
def where(clone: PostgresSettings) -> dict[str, str]:
    return {
        "DB_HOST": clone.host,
        "DB_PORT": str(clone.port),
        "DB_USER": clone.user,
        "DB_PASSWORD": clone.password,
        "DB_NAME": clone.database,
    }


async def test_a_broken_promise_ends_with_1_and_names_the_row(
    owner: PostgresDatabase, where: dict[str, str], tmp_path: Path
) -> None:
    await plant(owner, SHOP)
    await plant(owner, "UPDATE products SET stock = 7")

    audit = run("verify", folder=tmp_path, **where)

    assert audit.returncode == 1
    assert "I01  BROKEN  stock is conserved" in audit.stdout
    assert f"     product {IDS['PRODUCT']}" in audit.stdout


async def test_the_same_as_json(
    owner: PostgresDatabase, where: dict[str, str], tmp_path: Path
) -> None:
    await plant(owner, SHOP)
    await plant(owner, "UPDATE products SET stock = 7")

    audit = run("verify", "--json", folder=tmp_path, **where)
    broken = [found for found in json.loads(audit.stdout)["findings"] if found["offenders"]]

    assert audit.returncode == 1
    assert [found["invariant"]["name"] for found in broken] == ["I01"]
    assert broken[0]["offenders"] == [{"kind": "product", "id": IDS["PRODUCT"]}]


async def test_i05_an_order_two_minutes_old_is_late_only_if_all_parts_ran(
    owner: PostgresDatabase, where: dict[str, str], tmp_path: Path
) -> None:
    await plant(owner, SHOP)
    await plant(owner, CHECKOUT)
    await plant(owner, "UPDATE orders SET created_at = now() - interval '2 min'")
    await plant(owner, "UPDATE payments SET created_at = now() - interval '2 min'")

    assert run("verify", folder=tmp_path, **where).returncode == 0
    calm = run("verify", "--calm", folder=tmp_path, **where)

    assert calm.returncode == 1
    assert f"     order {IDS['UNSETTLED']}" in calm.stdout


async def test_i05_an_order_may_wait_for_as_long_as_its_payment_may(
    owner: PostgresDatabase, where: dict[str, str], tmp_path: Path
) -> None:
    await plant(owner, SHOP)
    await plant(owner, CHECKOUT)
    await plant(owner, "UPDATE orders SET created_at = now() - interval '30 min'")
    await plant(owner, "UPDATE payments SET created_at = now() - interval '30 min'")

    patient = run("verify", folder=tmp_path, PAYMENT_TIMEOUT="1h", **where)
    usual = run("verify", folder=tmp_path, **where)

    assert (patient.returncode, usual.returncode) == (0, 1), patient.stdout
