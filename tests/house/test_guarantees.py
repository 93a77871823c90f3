"""docs/guarantees.md: every row of the specification is in it, and what it names exists."""

import re
from pathlib import Path

from tests.mutants.run import MUTANTS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "guarantees.md").read_text()
ROWS = re.findall(r"^\| ([GCH]\d+) \| (.*) \|$", PAGE, re.MULTILINE)
SMOKE = re.search(r'"Smoke" is `(test_\w+)`', PAGE)


def test_every_promise_crash_point_and_hazard_has_its_row() -> None:
    assert [row for row, _ in ROWS] == [
        *(f"G{number}" for number in range(1, 13)),
        *(f"C{number}" for number in range(1, 14)),
        *(f"H{number:02}" for number in range(1, 59)),
    ]


def test_every_test_that_is_named_exists() -> None:
    written = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"def (test_\w+)", path.read_text())
    }

    assert set(re.findall(r"`(test_\w+)`", PAGE)) - written == set()


def test_a_hazard_is_shown_by_a_test_or_said_not_to_be() -> None:
    assert SMOKE
    silent = [row for row, told in ROWS if not re.search(r"`test_|smoke|not shown|[CH]\d", told)]
    unlit = [
        row
        for row, told in ROWS
        if row.startswith("H") and "smoke" in told and f"_{row.lower()}_" not in SMOKE[1]
    ]

    assert silent == []
    assert unlit == []


def test_every_fault_that_is_planted_is_named_where_it_hurts() -> None:
    named = set(re.findall(r"\bM\d\d\b", "".join(told for row, told in ROWS if row[0] == "H")))

    assert named == {mutant.name for mutant in MUTANTS}
