"""Which faults a run meets, in which order and when, as one seed draws them; or one, in a storm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from chaos.faults import FAULTS
from chaos.shop import PAYMENTS

SMOKE: Final = (
    *("kill store",) * 3,
    *("kill payment",) * 2,
    "kill worker",
    "kill redis",
    "pause redis",
    "pause web process",
    "stop postgres at once",
    "payment away",
    "broker away",
    "cut 201",
    "cut commit",
    "reset link",
    "repeat messages",
    "poison messages",
    "damage messages",
    "forge messages",
    "lose messages",
)
"""One of each hazard that docs/guarantees.md says the smoke shows; each time in another order."""

LONG: Final = (*FAULTS, "kill store", "kill payment")
"""One round of `make chaos`."""


@dataclass(frozen=True, slots=True)
class Storm:
    """
    One fault for ever, until so many orders are acknowledged.

    `abreast` such faults go side by side, each again `gap_s` after what it struck was ready.
    """

    fault: str
    abreast: int
    gap_s: float


STORMS: Final[Mapping[str, Storm]] = {
    "payment": Storm("kill payment", abreast=len(PAYMENTS), gap_s=1.0),
    "broker": Storm("kill broker", abreast=1, gap_s=3.0),
}


@dataclass(frozen=True, slots=True)
class Planned:
    """A fault that begins so many seconds into the run, with its own share of chance."""

    at_s: float
    name: str
    seed: str


def plan(
    seed: int, names: Sequence[str], gap_s: tuple[float, float], length_s: float
) -> Sequence[Planned]:
    """
    Draw rounds of the names, each round in another order, until the time is filled.

    With a length of 0 it is one round. The same seed draws the same plan.
    """
    rng = Random(seed)
    planned: list[Planned] = []
    at_s = 0.0
    while not planned or at_s < length_s:
        for name in rng.sample(names, len(names)):
            at_s += rng.uniform(*gap_s)
            planned.append(Planned(at_s, name, f"{seed}:{len(planned)}"))
    return [each for each in planned if not length_s or each.at_s < length_s]
