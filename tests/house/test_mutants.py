"""The planted faults still fit the source, and the tests that must catch them are there."""

import re

import pytest

from tests.mutants.run import MUTANTS, ROOT, Mutant, apply


def test_the_ten_of_the_specification_are_there() -> None:
    assert [mutant.name for mutant in MUTANTS] == [f"M{number:02}" for number in range(1, 11)]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_fault_fits_the_source_and_names_tests_that_exist(mutant: Mutant) -> None:
    apply(mutant.patch, ROOT, dry=True)
    named = [test.partition("[")[0].split("::") for test in mutant.tests]
    unknown = [
        parts
        for file, *parts in named
        if not re.search(rf"def {parts[-1]}\b", (ROOT / file).read_text())
    ]

    assert mutant.title.startswith(f"{mutant.name}: ")
    assert named
    assert unknown == []
