"""Each import contract turns red when it is violated: one that matches nothing guards nothing."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Contract number → where the forbidden import is planted, and what is imported there.
PLANTS = {
    1: ("kit/money", "pasar.contracts.events"),
    2: ("store_service/cart/service", "pasar.store_service.orders.rules"),
    3: ("store_service/orders/rules", "pasar.store_service.orders.service"),
    4: ("payment_service/model", "pasar.payment_service.service"),
    5: ("store_service/orders/service", "pasar.store_service.catalog.redis"),
    6: ("store_service/web/envelope", "pasar.store_service.stores.handler"),
    7: ("store_service/orders/service", "pasar.kit.broker.port"),
    8: ("store_service/orders/rules", "pasar.kit.clock"),
    9: ("store_service/catalog/service", "pasar.store_service.web.route"),
    10: ("store_service/cart/handler", "pasar.kit.redis"),
    11: ("kit/outbox", "pasar.kit.broker.streams"),
    12: ("engines/ports", "pasar.kit.clock"),
    13: ("cli/screen", "pasar.store_service.orders.model"),
    14: ("audit/check", "pasar.store_service.web.route"),
    15: ("store_service/orders/model", "asyncpg"),
    16: ("kit/errors", "pasar.kit.broker.port"),
}


def lint(source: Path) -> str:
    """Run the contracts over a source tree, at a width at which no line is folded."""
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=source.parent,
        env={**os.environ, "PYTHONPATH": str(source), "COLUMNS": "500"},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout


@pytest.fixture(scope="module")
def violated(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Plant all violations in a copy of the source, and return what the linter says of it."""
    copy = tmp_path_factory.mktemp("tree")
    shutil.copytree(ROOT / "src", copy / "src")
    shutil.copy(ROOT / "pyproject.toml", copy)
    for place, imported in PLANTS.values():
        with (copy / "src" / "pasar" / f"{place}.py").open("a") as file:
            file.write(f"\nimport {imported}\n")
    return lint(copy / "src")


@pytest.mark.parametrize("number", PLANTS)
def test_a_violation_of_the_contract_is_found_and_named(violated: str, number: int) -> None:
    place, imported = PLANTS[number]
    found = violated.partition("Broken contracts")[2]
    sections = re.split(r"^(\d+)\. .*\n-+\n", found, flags=re.MULTILINE)
    broken = dict(zip(map(int, sections[1::2]), sections[2::2], strict=True))

    # A cycle is told by the names of the siblings alone, hence the last parts.
    assert f".{place.rpartition('/')[2]} " in broken[number]
    assert imported.rpartition(".")[2] in broken[number]


def test_every_contract_has_its_violation() -> None:
    names = re.findall(r'^name = "(\d+)\.', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)

    assert [*map(int, names)] == [*PLANTS]
