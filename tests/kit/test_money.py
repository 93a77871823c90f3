"""Amounts survive the way in and out exactly, and hostile texts cost nothing."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pasar.kit.money import Money, parse_money

AMOUNTS = st.integers(min_value=0, max_value=999_999_999_999_999).map(Money)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("450000", "450000"),
        ("500000.00", "500000"),
        ("10.50", "10.5"),
        ("+7", "7"),
        (".5", "0.5"),
        ("5.", "5"),
        ("1e3", "1000"),
        ("12345e-2", "123.45"),
        ("0.0100000", "0.01"),
        ("0e99", "0"),
        ("9999999999999.99", "9999999999999.99"),
    ],
)
def test_a_price_is_read_and_shown_without_trailing_zeros(text: str, shown: str) -> None:
    assert str(parse_money(text)) == shown


NO_PRICES = [
    *(".", "+", "e5", "-1", "1,5", "0x10", "1_000", "٣", "NaN", "Infinity", "", " 1", "1 ", "1\n"),
    *("0.001", "1e-99", "1e14", "10000000000000", "1e100", "1e100000000", "1" * 33),
]


@pytest.mark.parametrize("text", NO_PRICES)
def test_d06_what_the_grammar_or_the_range_refuses_is_no_price(text: str) -> None:
    assert parse_money(text) is None


def test_only_a_filter_may_carry_a_minus() -> None:
    assert parse_money("-1.50", signed=True) == Money(-150)


@given(AMOUNTS)
def test_every_amount_comes_back_from_its_own_text_and_its_own_column(amount: Money) -> None:
    assert parse_money(str(amount)) == amount
    assert Money.of(amount.decimal()) == amount


def test_columns_keep_two_decimals() -> None:
    assert Money(1050).decimal() == Decimal("10.50")


def test_lines_and_sums_are_exact() -> None:
    assert Money(10) * 3 + Money(1) == Money(31)
