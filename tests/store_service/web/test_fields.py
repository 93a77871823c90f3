"""Field rules: one fault per field, all fields at once, absent members in peace."""

from typing import ClassVar

import pytest

from pasar.kit.errors import InvalidFields
from pasar.store_service.web.fields import (
    Body,
    Rule,
    at_least_bytes,
    at_most,
    at_most_bytes,
    between,
    check,
    not_blank,
    positive,
    required,
)


class Form(Body, frozen=True):
    name: str = ""
    password: str = ""
    stock: int | None = None
    rules: ClassVar = {
        "name": (required, at_most(3)),
        "password": (at_least_bytes(6),),
        "stock": (between(0, 9),),
    }


def test_each_field_tells_its_first_fault_in_field_order() -> None:
    with pytest.raises(InvalidFields) as raised:
        check(Form("", "12345", 10))

    assert [(fault.field, fault.message) for fault in raised.value.faults] == [
        ("name", "is required"),
        ("password", "minimum 6 characters"),
        ("stock", "must be between 0 and 9"),
    ]


def test_an_absent_optional_field_breaks_no_rule() -> None:
    check(Form("abc", "123456"))


@pytest.mark.parametrize("text", ["\0", "a\0", "\0\0\0\0"])
def test_a_nul_is_refused_in_every_text(text: str) -> None:
    with pytest.raises(InvalidFields, match="contains invalid characters"):
        check(Form("abc", "123456" + text))


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        (required, " ", ""),
        (not_blank, " a ", " \t\u3000"),
        (at_least_bytes(6), "ééé", "éé1"),
        (at_most_bytes(6), "ééé", "ééé1"),
        (at_most(3), "ééé", "éééé"),
    ],
)
def test_texts_are_judged_as_the_contract_counts_them(rule: Rule, good: str, bad: str) -> None:
    assert rule(good) is None
    assert rule(bad) is not None


@pytest.mark.parametrize(("rule", "least", "most"), [(positive, 1, 2**63), (between(1, 5), 1, 5)])
def test_numbers_have_bounds(rule: Rule, least: int, most: int) -> None:
    assert rule(least) is None
    assert rule(most) is None
    assert rule(least - 1) is not None
