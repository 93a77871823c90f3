"""What a person reads at the end of a run, and the row that is kept of it."""

import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Final

from chaos.checker import Broken, Evidence
from chaos.recovery import Recovery, worst
from pasar.audit.check import Report

RESULTS: Final = Path(__file__).parents[1] / "docs" / "chaos-results.md"
NOT_DRAWN: Final = "clock shift (needs libfaketime), full disk (tests/store_service has it)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`calm_s`: until nothing was on its way any more; None if that never came."""

    seed: int
    broker: str
    minutes: float
    evidence: Evidence
    kills: Mapping[str, int]
    calm_s: float | None
    audit: Report
    broken: Sequence[Broken]
    story: Sequence[str]

    @property
    def checkouts(self) -> int:
        """How many orders were acknowledged."""
        return len({each.order_id for each in self.evidence.checkouts() if each.outcome == "ok"})


def lines(outcome: Outcome) -> list[str]:
    evidence = outcome.evidence
    faults = Counter(each.name for each in evidence.struck)
    calm = "never" if outcome.calm_s is None else f"after {outcome.calm_s:.1f} s"
    return [
        "",
        f"faults ({faults.total()}; not drawn: {NOT_DRAWN})",
        *(f"  {count:4} {name}" for name, count in sorted(faults.items())),
        f"operations ({len(evidence.operations)}), {outcome.checkouts} orders acknowledged",
        *_operations(outcome),
        "recovery: first success after the return, in s",
        *_recoveries(evidence.recoveries),
        f"calm {calm}; {len(evidence.books.dead)} dead letters, {len(evidence.injected)} injected",
        "invariants",
        *(
            f"  {finding.invariant.name} {'BROKEN' if finding.offenders else 'holds'}"
            for finding in outcome.audit.findings
        ),
        *_verdict(outcome),
    ]


def _operations(outcome: Outcome) -> list[str]:
    ended = Counter((each.op, each.outcome) for each in outcome.evidence.operations)
    statuses = Counter(each.status for each in outcome.evidence.operations)
    return [
        *(
            f"  {op:9} ok {ended[op, 'ok']:5}  fail {ended[op, 'fail']:5}"
            f"  unknown {ended[op, 'unknown']:4}"
            for op in sorted({op for op, _ in ended})
        ),
        "  answers   "
        + ", ".join(f"{status or 'none'} × {n}" for status, n in sorted(statuses.items())),
    ]


def _recoveries(found: Sequence[Recovery]) -> list[str]:
    by_part: dict[str, list[float]] = {}
    for each in found:
        if each.took_s is not None:
            by_part.setdefault(each.part, []).append(each.took_s)
    return [
        f"  {part:10} median {median(took):4.1f}  worst {max(took):4.1f}  of {len(took)}"
        for part, took in sorted(by_part.items())
    ]


def _verdict(outcome: Outcome) -> list[str]:
    if not outcome.broken:
        return ["nothing is broken"]
    first, *more = outcome.broken
    counts = Counter(each.name for each in outcome.broken)
    return [
        f"broken: {', '.join(f'{name} × {n}' for name, n in counts.items())}",
        f"BROKEN: {first}",
        *(f"  {line}" for line in outcome.story),
        *(f"  also {each}" for each in more[:_ALSO]),
        *([f"  and {len(more) - _ALSO} more"] if len(more) > _ALSO else []),
        f"again: make chaos SEED={outcome.seed} BROKER={outcome.broker}",
    ]


_ALSO: Final = 10


def record(outcome: Outcome) -> None:
    """Append a row to the table of long runs."""
    kills = ", ".join(f"{part} {count}" for part, count in sorted(outcome.kills.items()) if count)
    cells = (
        f"{datetime.now(UTC):%F}",
        _commit(),
        outcome.seed,
        outcome.broker,
        f"{outcome.minutes:g}",
        outcome.checkouts,
        kills,
        f"{worst(outcome.evidence.recoveries):.1f} s",
        len(outcome.broken),
    )
    with RESULTS.open("a", encoding="utf-8") as table:
        table.write(f"| {' | '.join(map(str, cells))} |\n")


def _commit() -> str:
    git = ("git", "-C", str(RESULTS.parent), "rev-parse", "--short", "HEAD")
    return subprocess.run(git, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603  our own words
