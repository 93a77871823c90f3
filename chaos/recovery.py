"""When faults were at work, and how long after its return each part served again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from chaos.oplog import Operation

NO_PART: Final = "no part"  # what a fault takes away that strikes none at all
FULL_DISK: Final = "full disk"  # the one fault that lets a route answer 500 (contract D17)
FROZEN_WEB: Final = "pause web process"  # in the end each buyer waits there for an answer
_BY_PAYMENTS: Final = ("payment", "broker", "nsq")  # parts whose service nobody sees but in orders
_JUDGEABLE_S: Final = 3.0  # a part back so shortly before the end had no chance to serve


@dataclass(frozen=True, slots=True)
class Struck:
    """
    A fault from `begun` to `ended`, seconds since the epoch.

    `part` is what it took away: a part, `NO_PART`, or nothing in particular, as a link does.
    """

    name: str
    part: str
    begun: float
    ended: float

    def hinders(self, part: str) -> bool:
        """Say whether the other part could not serve meanwhile."""
        if self.part == NO_PART:
            return False
        return (
            part.startswith(_BY_PAYMENTS)
            or self.part in {part, "postgres", ""}
            or self.name == FROZEN_WEB
        )


@dataclass(frozen=True, slots=True)
class Recovery:
    """`took_s`: until the first success; None if there was none before the load ended."""

    fault: str
    part: str
    took_s: float | None

    def __str__(self) -> str:
        took = "never" if self.took_s is None else f"{self.took_s:.1f} s"
        return f"{self.part} after {self.fault}: {took}"


def covered(struck: Iterable[Struck], begun: float, ended: float, grace_s: float) -> bool:
    """Say whether a fault, or the grace after it, was at work at some time of the interval."""
    return any(each.begun <= ended and begun <= each.ended + grace_s for each in struck)


def recoveries(
    struck: Sequence[Struck],
    operations: Sequence[Operation],
    paid_at: Sequence[float],
    load_ended: float,
) -> Sequence[Recovery]:
    """
    Measure each return: the time until the first success, while no other fault hindered it.

    A store succeeds by an answer of its own, an engine by anybody's, payment service and broker by
    the next order that is paid.
    """
    found: list[Recovery] = []
    for each in struck:
        if each.part in {"", NO_PART}:
            continue
        if each.part.startswith(_BY_PAYMENTS):
            successes = [at for at in paid_at if at >= each.ended]
        else:
            successes = [
                one.ended
                for one in operations
                if one.outcome == "ok"
                and one.t >= each.ended
                and (one.via == each.part or not each.part.startswith("store"))
            ]
        first = min(successes, default=None)
        others = [other for other in struck if other is not each and other.hinders(each.part)]
        if first is not None:
            took_s = _free_s(others, each.ended, first)
        elif _free_s(others, each.ended, load_ended) < _JUDGEABLE_S:
            continue
        else:
            took_s = None
        found.append(Recovery(each.name, each.part, took_s))
    return found


def _free_s(struck: Iterable[Struck], begun: float, ended: float) -> float:
    """Return how much of the interval no fault covered."""
    free_s, at = 0.0, begun
    for each in sorted(struck, key=lambda one: one.begun):
        free_s += max(0.0, min(each.begun, ended) - at)
        at = max(at, min(each.ended, ended))
    return free_s + max(0.0, ended - at)
