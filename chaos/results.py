"""The row that is kept of a run in docs/chaos-results.md, and the sums below the table."""

import re
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Final

from chaos.report import Outcome

RESULTS: Final = Path(__file__).parents[1] / "docs" / "chaos-results.md"
ASKED: Final = {"store": 50, "payment": 50, "broker": 20, "redis": 20, "postgres": 20}
"""Kills that ten seeds of ten minutes must reach; each part has a column."""

_HEADINGS: Final = (
    *("date", "commit", "run", "seed", "on", "faults", "operations", "orders"),
    *(*ASKED, "calm after", "500", "broken"),
)
HEAD: Final = f"| {' | '.join(_HEADINGS)} |\n{'| --- ' * len(_HEADINGS)}|\n"


def record(outcome: Outcome) -> str:
    """Append a row, and return the sums over all of them."""
    git = ("git", "-C", str(RESULTS.parent), "rev-parse", "--short", "HEAD")
    commit = subprocess.run(git, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603  our own words
    text = appended(RESULTS.read_text(encoding="utf-8"), outcome, commit)
    RESULTS.write_text(text, encoding="utf-8")
    return text.splitlines()[-1]


def appended(text: str, outcome: Outcome, commit: str) -> str:
    """Return the document with one row more."""
    before, _, rest = text.partition(HEAD)
    kept = [line for line in rest.splitlines() if line.startswith("|")]
    cells = (
        f"{datetime.now(UTC):%F}",
        commit,
        outcome.kind,
        outcome.seed,
        outcome.broker,
        len(outcome.evidence.struck),
        len(outcome.evidence.operations),
        len(outcome.orders),
        *(_of(outcome, part) for part in ASKED),
        "never" if outcome.calm_s is None else f"{outcome.calm_s:.1f} s",
        _server_faults(outcome),
        len(outcome.verdict.broken),
    )
    rows = [*kept, f"| {' | '.join(map(str, cells))} |"]
    return "\n".join((before + HEAD.strip(), *rows, "", summed(rows), ""))


def summed(rows: Sequence[str]) -> str:
    """Sum up the kills of all planned runs; storms, which strike one part, apart."""
    planned = [cells for cells in map(_cells, rows) if not cells["run"].endswith("storm")]
    sums = ", ".join(
        f"{part} {sum(_leading(cells[part]) for cells in planned)} (asked: {least})"
        for part, least in ASKED.items()
    )
    return f"Kills in {len(planned)} planned runs: {sums}."


def _cells(row: str) -> Mapping[str, str]:
    return dict(zip(_HEADINGS, map(str.strip, row.strip("|").split("|")), strict=True))


def _leading(cell: str) -> int:
    found = re.match(r"\d+", cell)
    return int(found[0]) if found else 0


def _of(outcome: Outcome, kind: str) -> str:
    """Return kills, and median and worst recovery, of all parts of the kind."""
    kills = Counter[str]()
    for part, count in outcome.kills.items():
        kills[_kind(part)] += count
    said = str(kills[kind])
    if kind == "store":
        names = Counter(each.name for each in outcome.evidence.struck)
        said += f" + {names['kill web process'] + names['kill worker']}"
    if kind == "broker" and outcome.broker == "streams":
        said = "as redis"
    took = [
        each.took_s
        for each in outcome.evidence.recoveries
        if _kind(each.part) == kind and each.took_s is not None
    ]
    return f"{said}; {median(took):.1f} / {max(took):.1f} s" if took else said


def _kind(part: str) -> str:
    return "broker" if part == "nsqd" else part.partition("-")[0]


def _server_faults(outcome: Outcome) -> str:
    judged = sum(each.name == "5xx" for each in outcome.verdict.broken)
    return f"{judged} + {len(outcome.evidence.server_faults()) - judged}"
