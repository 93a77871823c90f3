"""
What was measured, made into a table: the median round of each server, and ours ÷ the yardstick's.

Which scenarios there are and what each should reach stands here too; running them is `run.py`.
"""

import os
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec

from bench import footprint
from bench.chart import Bar, chart

# The load generator's scenarios and the goal: rate and p99 ÷ the yardstick's. Lists come before the
# checkouts, which make them longer.
TARGETS: Final[Mapping[str, str]] = {
    "health": "–",
    "product": "≥ 1.4, p99 ≤ 1.0",
    "list": "≥ 2, p99 ≤ 1.0",
    "search": "≥ 2, p99 ≤ 1.0",
    "orders": "≥ 1.3, p99 ≤ 1.0",
    "mixed": "≥ 1.4, p99 ≤ 0.7",
    "cart_get": "≥ 1.4, p99 ≤ 1.0",
    "cart_add": "≥ 1.3, p99 ≤ 1.0",
    "checkout": "≥ 1.5, p99 ≤ 0.5",
    "checkout_hot": "≥ 3, p99 ≤ 0.3",
    "drain": "≥ 500 orders/s, p99 < 400 ms",
}
_RATE_GOAL: Final = re.compile(r"≥ ([\d.]+), p99")
_HEADS: Final = (
    "scenario", "op/s", "yardstick", "**rate ÷**", "p50 ms", "yardstick", "p99 ms", "yardstick",
    "**p99 ÷**", "CPU µs/op", "yardstick", "target",
)  # fmt: skip
_LEGEND: Final = """\
Each server's median round of {rounds}, ours and [the yardstick](yardstick/README.md) in turn on the
same engines, under 32 closed-loop connections of [shopload](shopload/main.go). {cores} cores carry
everything at once, the load generator included; CPU is that of the whole machine less the load
generator. Trust CPU per operation first, ratios of one run second, absolute figures not at all.

[WHY.md](WHY.md) tells where the time goes of those that miss their target.

`cart_add` is an addition and a removal, `checkout` an addition and an order. `drain`, one round:
orders per second from the first checkout to the last `paid`, latencies from 201 to `paid`; ours are
paid through the broker and the payment service, the yardstick's inside its own process.

pgbench (16 clients, prepared) asks for the two statements of `checkout` and nothing else, in a
database of its own: {limit:,.0f} orders/s without HTTP, crowd lock, broker or payments. `checkout`
reaches {of_limit:.2f} of it; the goal is ≥ 0.7, and ≥ 1.5 where checkouts are combined.
"""


class Measurement(msgspec.Struct, frozen=True):
    """One line of `shopload -json`."""

    scenario: str
    base: str
    failed: int
    ops_per_s: float
    p50_ms: float
    p99_ms: float
    cpu_us_per_op: float


@dataclass(frozen=True, slots=True)
class Setting:
    """What the figures depend on; `limit` is what pgbench reaches, `versions` are those beneath."""

    rounds: int
    taken: footprint.Footprint
    limit: float
    versions: Mapping[str, str]


def table(measured: Sequence[Measurement], ours: str) -> str:
    """Compare the server at `ours` with the other one; a row per scenario, in Markdown."""
    rows: list[tuple[str, ...]] = [_HEADS, ("---",) + ("---:",) * 10 + ("---",)]
    rows += [_row(name, *_medians(name, measured, ours)) for name in _names(measured)]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([*lines, *_failures(measured, ours)])


def page(measured: Sequence[Measurement], ours: str, setting: Setting) -> str:
    """Return bench/RESULTS.md, the picture of `picture` in it."""
    checkout = _median([one for one in measured if (one.scenario, one.base) == ("checkout", ours)])
    legend = _LEGEND.format(
        rounds=setting.rounds,
        cores=os.cpu_count(),
        limit=setting.limit,
        of_limit=checkout.ops_per_s / setting.limit,
    )
    return "\n\n".join(
        ("# Figures", "Written by `make bench`.", facts(setting.versions), "![ratios](results.svg)",
         table(measured, ours), legend,
         "## Memory and start", footprint.table(setting.taken), footprint.LEGEND)
    )  # fmt: skip


def picture(measured: Sequence[Measurement], ours: str) -> str:
    """Return bench/results.svg: a bar per scenario."""
    return chart([_bar(name, measured, ours) for name in _names(measured)])


def facts(versions: Mapping[str, str]) -> str:
    """Return a list of what all figures depend on."""
    known = {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "commit": _said("git", "describe", "--always", "--dirty"),
        "machine": f"{_processor()}, {os.cpu_count()} cores, {_memory_gib():.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "load": f"{os.getloadavg()[1]:.1f} on average of the last 5 minutes",
        "versions": ", ".join(f"{name} {number}" for name, number in versions.items()),
    }
    return "\n".join(f"- {name}: {fact}" for name, fact in known.items())


def installed() -> dict[str, str]:
    """Return the versions that this process can tell without asking a server."""
    return {
        "Python": platform.python_version(),
        **{name: version(name) for name in ("uvicorn", "uvloop", "asyncpg", "hiredis")},
        "Go": _said("go", "env", "GOVERSION").removeprefix("go"),
    }


def _names(measured: Sequence[Measurement]) -> Sequence[str]:
    return list(dict.fromkeys(one.scenario for one in measured))


def _bar(name: str, measured: Sequence[Measurement], ours: str) -> Bar:
    us, them = _medians(name, measured, ours)
    goal = _RATE_GOAL.match(TARGETS[name])
    ratio = us.ops_per_s / them.ops_per_s if them.ops_per_s else 0.0
    return Bar(name, ratio, float(goal[1]) if goal else None)


def _medians(
    name: str, measured: Sequence[Measurement], ours: str
) -> tuple[Measurement, Measurement]:
    of_one = [one for one in measured if one.scenario == name]
    return (
        _median([one for one in of_one if one.base == ours]),
        _median([one for one in of_one if one.base != ours]),
    )


def _row(name: str, us: Measurement, them: Measurement) -> tuple[str, ...]:
    return (
        name,
        f"{us.ops_per_s:,.0f}",
        f"{them.ops_per_s:,.0f}",
        f"**{_ratio(us.ops_per_s, them.ops_per_s)}**",
        f"{us.p50_ms:.1f}",
        f"{them.p50_ms:.1f}",
        f"{us.p99_ms:.1f}",
        f"{them.p99_ms:.1f}",
        f"**{_ratio(us.p99_ms, them.p99_ms)}**",
        f"{us.cpu_us_per_op:,.0f}" if us.cpu_us_per_op else "–",
        f"{them.cpu_us_per_op:,.0f}" if them.cpu_us_per_op else "–",
        TARGETS[name],
    )


def _median(rounds: Sequence[Measurement]) -> Measurement:
    return sorted(rounds, key=lambda one: one.ops_per_s)[len(rounds) // 2]


def _ratio(us: float, them: float) -> str:
    return f"{us / them:.2f}" if them else "–"


def _failures(measured: Sequence[Measurement], ours: str) -> list[str]:
    """Return a line for each round in which an operation was answered otherwise than by 2xx."""
    failed = [one for one in measured if one.failed]
    lines = [
        f"- {one.scenario}, {'ours' if one.base == ours else 'yardstick'}: {one.failed} failed"
        for one in failed
    ]
    return ["", *lines] if lines else []


def _said(*command: str) -> str:
    """Return the output of a command, or `unknown`: a tarball has no commit."""
    try:
        done = subprocess.run(  # noqa: S603  commands of this file
            command, cwd=Path(__file__).parent, check=True, capture_output=True, text=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


def _processor() -> str:
    """Return what Linux calls the processor; elsewhere its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
