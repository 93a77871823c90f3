"""What a person reads at the end of a run."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from chaos.checker import Evidence
from chaos.recovery import Recovery
from chaos.verdict import Judged

_ALSO: Final = 10  # broken rows told after the first; broken.txt has them all


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """
    `kind`: how long it was, or which storm. `kills`: by SIGKILL, of each part.

    `calm_s`: until nothing was on its way any more; None if that never came.
    """

    seed: int
    broker: str
    kind: str
    evidence: Evidence
    kills: Mapping[str, int]
    calm_s: float | None
    verdict: Judged

    @property
    def orders(self) -> set[str]:
        """Those that were acknowledged."""
        return {each.order_id for each in self.evidence.checkouts() if each.outcome == "ok"}


def lines(outcome: Outcome) -> list[str]:
    evidence = outcome.evidence
    faults = Counter(each.name for each in evidence.struck)
    calm = "never" if outcome.calm_s is None else f"after {outcome.calm_s:.1f} s"
    return [
        "",
        f"faults ({faults.total()})",
        *(f"  {count:4} {name}" for name, count in sorted(faults.items())),
        f"operations ({len(evidence.operations)}), {len(outcome.orders)} orders acknowledged",
        *_operations(outcome),
        "recovery: first success after the return, in s",
        *_recoveries(evidence.recoveries),
        f"calm {calm}; {len(evidence.books.dead)} dead letters, {len(evidence.injected)} injected",
        "invariants",
        *(
            f"  {finding.invariant.name} {'BROKEN' if finding.offenders else 'holds'}"
            for finding in outcome.verdict.audit.findings
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
    if not outcome.verdict.broken:
        return ["nothing is broken"]
    first, *more = outcome.verdict.broken
    counts = Counter(each.name for each in outcome.verdict.broken)
    return [
        f"broken: {', '.join(f'{name} × {n}' for name, n in counts.items())}",
        f"BROKEN: {first}",
        *(f"  {line}" for line in outcome.verdict.story),
        *(f"  also {each}" for each in more[:_ALSO]),
        *([f"  and {len(more) - _ALSO} more"] if len(more) > _ALSO else []),
        f"again: make chaos SEED={outcome.seed} BROKER={outcome.broker} ({outcome.kind})",
    ]
