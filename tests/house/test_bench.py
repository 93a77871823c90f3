"""The tables of `make bench` and `make bench-scale`: what is measured, and divided by what."""

import os
import re
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec

from bench.footprint import Footprint, Memory, memory
from bench.limit import script
from bench.report import TARGETS, Measurement, Setting, page, picture, table
from bench.scale import table as growth_table
from pasar.engines.datadir import Run

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


def test_memory_and_start_stand_beside_their_goals_at_the_end_of_the_page() -> None:
    rounds = [
        msgspec.structs.replace(measurement(base, 1, 1), scenario="checkout")
        for base in (OURS, THEIRS)
    ]
    taken = Footprint(Memory(240.4, 180), Memory(80, 60), fresh_s=5.04, again_s=2.5)

    written = page(rounds, OURS, Setting(5, taken, limit=100, versions={}))

    assert "| memory, store service with 2 web processes | 240 MiB (180) | RSS ≤ 250" in written
    assert "| memory, payment service | 80 MiB (60) | RSS ≤ 90" in written
    assert "| start, fresh | 5.0 s | ≤ 8 s |" in written
    assert "| start, again | 2.5 s | ≤ 3 s |" in written


def test_a_service_weighs_what_its_processes_do_and_the_store_its_supervisor_too() -> None:
    """This process passes for the supervisor."""
    waits = (sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()")
    with ExitStack() as running:
        for part in ("store-worker", "store-web", "payment"):
            process = running.enter_context(
                subprocess.Popen([*waits, part], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            )
            assert process.stdout
            process.stdout.readline()
        store, payment = memory(Run(pid=os.getpid(), variables={}, urls={}))

    assert 0 < payment.pss <= payment.rss
    assert store.rss > 3 * payment.rss


def test_growth_is_the_largest_size_divided_by_the_smallest() -> None:
    found = {1000: {"product": 2.0}, 100_000: {"product": 9.0}, 1_000_000: {"product": 3.0}}

    row = cells(growth_table(found).splitlines()[-1])

    assert row == ["product", "2.00", "9.00", "3.00", "**1.5**"]
