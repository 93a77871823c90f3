"""`pasar timeline`, and `pasar verify` which shows one where something is broken."""

import json
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

from pasar.kit.postgres import PostgresDatabase
from tests.audit.shop import IDS, SHOP, plant
from tests.cli.command import run

SHIPPED = IDS["SHIPPED"]


async def test_an_order_is_told_to_a_person_and_to_a_program(
    owner: PostgresDatabase, engines: Mapping[str, str], tmp_path: Path
) -> None:
    await plant(owner, SHOP)
    shown = run("timeline", SHIPPED, folder=tmp_path, **engines)
    told = run("timeline", SHIPPED, "--json", folder=tmp_path, **engines)

    assert (shown.returncode, told.returncode) == (0, 0), shown.stderr + told.stderr
    assert "status   shipping → shipped" in shown.stdout
    assert "bank     charge of 10, approved" in shown.stdout
    entries = json.loads(told.stdout)
    assert len(entries) == len(shown.stdout.splitlines())
    assert {*entries[0]} == {"at", "kind", "text", "actor", "store_id", "request_id"}


def test_an_unknown_order_is_said_to_be_one(engines: Mapping[str, str], tmp_path: Path) -> None:
    unknown = str(uuid4())
    answers = [
        run("timeline", unknown, *more, folder=tmp_path, **engines) for more in ([], ["--json"])
    ]

    assert [(each.returncode, each.stdout) for each in answers] == [(1, "")] * 2
    assert {each.stderr for each in answers} == {f"pasar: order {unknown} not found\n"}


async def test_a_broken_order_is_shown_with_its_timeline(
    owner: PostgresDatabase, engines: Mapping[str, str], tmp_path: Path
) -> None:
    await plant(owner, SHOP)
    sound = run("verify", "--calm", folder=tmp_path, **engines)
    await plant(owner, "UPDATE orders SET total_amount = 9.99 WHERE id = '$SHIPPED'")
    broken = run("verify", "--calm", folder=tmp_path, **engines)

    assert (sound.returncode, broken.returncode) == (0, 1), sound.stderr + broken.stderr
    assert f"order {SHIPPED}" in broken.stdout
    assert "checkout, 9.99 in all" in broken.stdout
    assert "in all" not in sound.stdout


async def test_an_order_that_is_only_spoken_of_does_not_hide_the_report(
    owner: PostgresDatabase, engines: Mapping[str, str], tmp_path: Path
) -> None:
    await plant(owner, SHOP)
    await plant(owner, "UPDATE idempotency_keys SET resource_id = '$STRANGE'")
    broken = run("verify", "--calm", folder=tmp_path, **engines)

    assert (broken.returncode, f"order {IDS['STRANGE']}" in broken.stdout) == (1, True)
