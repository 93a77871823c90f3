"""How long to wait before trying again: doubling, capped, jittered; reconnects and requeues."""

import random
from dataclasses import dataclass
from typing import Final

_MAX_DOUBLINGS: Final = 30  # keeps the power small after days of failures; every cap is below 2**30


@dataclass(frozen=True, slots=True)
class Backoff:
    first_s: float
    cap_s: float

    def delay_s(self, failures: int) -> float:
        """
        Return the wait after so many failures in a row, a random half to whole of the step.

        >>> 4.0 <= Backoff(first_s=1.0, cap_s=60.0).delay_s(4) <= 8.0
        True
        """
        doublings = min(max(failures - 1, 0), _MAX_DOUBLINGS)
        step: float = min(self.first_s * 2**doublings, self.cap_s)
        return step * random.uniform(0.5, 1.0)  # noqa: S311  no secret
