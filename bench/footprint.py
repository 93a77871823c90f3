"""
What the shop takes besides time: memory of both services, and how long `pasar up` is at it.

Memory is that of the whole load's end, after `mixed` and everything else, as Linux counts it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.shop import processes
from pasar.engines.datadir import Run

STORE: Final = ("store-worker", "store-web")
PAYMENT: Final = ("payment",)

LEGEND: Final = """\
Memory after all of the above, of every process of a service, that of the store its supervisor
included. RSS counts a page that several processes share once for each of them; PSS, in brackets,
counts it once. Start is from the command to the first `ready` of all parts: `fresh` makes the
databases and the demo shop, `again` finds the data of this run.
"""


@dataclass(frozen=True, slots=True)
class Memory:
    """Of some processes, in MiB."""

    rss: float
    pss: float


@dataclass(frozen=True, slots=True)
class Footprint:
    """Memory of both services, and how long the first start and a later one took."""

    store: Memory
    payment: Memory
    fresh_s: float
    again_s: float


def memory(run: Run) -> tuple[Memory, Memory]:
    """Return that of the store service and that of the payment service."""
    return _memory([run.pid, *processes(run, *STORE)]), _memory(processes(run, *PAYMENT))


def table(found: Footprint) -> str:
    """Set each figure beside its goal, in Markdown."""
    rows = [
        ("", "", "target"),
        ("---", "---:", "---"),
        ("memory, store service with 2 web processes", _mib(found.store), "RSS ≤ 250 MiB"),
        ("memory, payment service", _mib(found.payment), "RSS ≤ 90 MiB"),
        ("start, fresh", f"{found.fresh_s:.1f} s", "≤ 8 s"),
        ("start, again", f"{found.again_s:.1f} s", "≤ 3 s"),
    ]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _memory(pids: Iterable[int]) -> Memory:
    rollups = [Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii") for pid in pids]
    return Memory(_sum_mib("Rss", rollups), _sum_mib("Pss", rollups))


def _sum_mib(member: str, rollups: Iterable[str]) -> float:
    found = (re.search(rf"^{member}: +(\d+) kB", rollup, re.MULTILINE) for rollup in rollups)
    return sum(int(one[1]) for one in found if one) / 1024


def _mib(taken: Memory) -> str:
    return f"{taken.rss:.0f} MiB ({taken.pss:.0f})"
