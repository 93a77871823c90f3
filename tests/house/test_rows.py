"""Each difference from the earlier service (D1 to D58) has a test that bears its number."""

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
DIFFERENCES = range(1, 59)


def rows_named(letter: str) -> set[int]:
    """Return the numbers in the names of all tests: `test_d07_d15_…` proves two."""
    names = (
        name
        for path in TESTS.rglob("test_*.py")
        for name in re.findall(r"def (test_\w+)", path.read_text())
    )
    return {int(row) for name in names for row in re.findall(rf"_{letter}(\d+)(?=_)", name)}


def test_every_difference_from_the_earlier_service_has_its_test() -> None:
    assert sorted({*DIFFERENCES} - rows_named("d")) == []
