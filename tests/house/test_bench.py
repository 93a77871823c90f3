"""The tables of `make bench` and `make bench-scale`: what is measured, and divided by what."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

from bench.limit import script
from bench.report import TARGETS, Measurement, picture, table
from bench.scale import table as growth_table

SHOPLOAD = Path(__file__).parents[2] / "bench" / "shopload"
SVG = "{http://www.w3.org/2000/svg}"
OURS, THEIRS = "http://ours", "http://theirs"


def measurement(base: str, rate: float, p99_ms: float, failed: int = 0) -> Measurement:
    return Measurement("product", base, failed, rate, 1, p99_ms, 100)


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_every_scenario_is_one_that_the_load_generator_knows() -> None:
    source = (SHOPLOAD / "scenarios.go").read_text()
    known = set(re.findall(r'^\t"(\w+)": +func', source, re.MULTILINE))

    assert set(TARGETS) - {"drain"} <= known


def test_the_median_rounds_are_compared_ours_over_theirs() -> None:
    rounds = [measurement(OURS, rate, p99) for rate, p99 in ((9, 1), (30, 2), (20, 3))]
    rounds += [measurement(THEIRS, rate, p99) for rate, p99 in ((10, 6), (1, 4), (90, 5))]

    head, _, row = table(rounds, OURS).splitlines()

    by_head = dict(zip(cells(head), cells(row), strict=False))
    assert by_head["**rate ÷**"] == "**2.00**"
    assert by_head["**p99 ÷**"] == "**0.50**"


def test_a_round_with_refused_operations_is_named_under_the_table() -> None:
    rounds = [measurement(OURS, 1, 1), measurement(THEIRS, 1, 1, failed=7)]

    assert table(rounds, OURS).splitlines()[-1] == "- product, yardstick: 7 failed"


def test_the_picture_has_a_bar_per_scenario_and_a_stroke_at_each_goal() -> None:
    rounds = [measurement(OURS, 30, 1), measurement(THEIRS, 20, 1)]

    drawn = ET.fromstring(picture(rounds, OURS))  # noqa: S314  our own

    (bar,) = drawn.findall(f"{SVG}rect")
    figures = [text.text for text in drawn.findall(f"{SVG}text")]
    assert bar.get("class") == "ahead"
    assert figures[1:] == ["product", "1.50"]
    assert [line.get("class") for line in drawn.findall(f"{SVG}line")] == ["goal", "even"]


def test_pgbench_is_given_the_checkout_of_the_shop_with_no_parameter_left() -> None:
    asked = script()

    assert "INSERT INTO orders" in asked
    assert "$" not in asked
    assert set(re.findall(r"(?<!:):([A-Za-z]\w*)", asked)) == {"client_id", "ware"}


def test_growth_is_the_largest_size_divided_by_the_smallest() -> None:
    found = {1000: {"product": 2.0}, 100_000: {"product": 9.0}, 1_000_000: {"product": 3.0}}

    row = cells(growth_table(found).splitlines()[-1])

    assert row == ["product", "2.00", "9.00", "3.00", "**1.5**"]
