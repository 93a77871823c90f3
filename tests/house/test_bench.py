"""The table of `make bench`: the right scenarios, and ours divided by theirs."""

import re
from pathlib import Path

from bench.report import TARGETS, Measurement, table

SHOPLOAD = Path(__file__).parents[2] / "bench" / "shopload"
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
