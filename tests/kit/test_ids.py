"""Which spellings of an id are taken, and that new ids sort by age."""

import pytest

from pasar.kit.ids import TimeOrderedIds, parse_id

CANONICAL = "0190c7a2-1b2c-7d3e-8f40-0123456789ab"


@pytest.mark.parametrize(
    "text",
    [
        CANONICAL,
        CANONICAL.upper(),
        CANONICAL.replace("-", ""),
        "{" + CANONICAL + "}",
        "urn:uuid:" + CANONICAL,
        "URN:UUID:" + CANONICAL.upper(),
    ],
)
def test_the_four_spellings_name_the_same_thing_in_any_letter_case(text: str) -> None:
    assert str(parse_id(text)) == CANONICAL


@pytest.mark.parametrize(
    "text",
    [
        "",
        CANONICAL + "\n",
        "0190c7a21b2c-7d3e-8f40-0123456789ab",
        "0190c7a2-1b2c7-d3e-8f40-0123456789ab",
        "(" + CANONICAL + ")",
        "{" + CANONICAL,
        "{" + CANONICAL.replace("-", "") + "}",
        "urn:uuid:" + CANONICAL.replace("-", ""),
        "uuid:" + CANONICAL,
        CANONICAL[:-1] + "g",
    ],
)
def test_everything_else_is_no_id(text: str) -> None:
    assert parse_id(text) is None


def test_later_ids_sort_after_earlier_ones() -> None:
    ids = TimeOrderedIds()
    made = [ids.new() for _ in range(1000)]

    assert made == sorted(set(made))
