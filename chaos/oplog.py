"""The operation log: one JSON line for each thing a client tried, and what it knows of the end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import msgspec

Outcome = Literal["ok", "fail", "unknown"]
"""`unknown`: no answer, or one that leaves open what happened; the connection may have been cut."""

CHECKOUTS: Final = frozenset({"checkout", "retry"})
_DECIDED_BELOW: Final = 500  # an answer from here on does not say what became of a write


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """
    One request; `t` and `took_s` are seconds, `t` since the epoch and at its begin.

    `key` is the Idempotency-Key, if one was sent; `status` is 0 without an answer; `order_id` is
    the order that was made or acted on, as far as the client knows it.
    """

    t: float
    took_s: float
    client: str
    op: str
    key: str = ""
    args: Mapping[str, str | int]
    via: str
    outcome: Outcome
    status: int
    order_id: str = ""
    request_id: str = ""

    @property
    def ended(self) -> float:
        return self.t + self.took_s


def outcome(status: int) -> Outcome:
    """
    Read an answer's status as a client may: a 5xx to a write decides nothing.

    >>> outcome(201), outcome(409), outcome(503), outcome(0)
    ('ok', 'fail', 'unknown', 'unknown')
    """
    if not 0 < status < _DECIDED_BELOW:
        return "unknown"
    return "ok" if status < 400 else "fail"  # noqa: PLR2004  RFC 9110, section 15.5


class OperationLog:
    """Appends to a file and remembers. `orders`: those that were acknowledged."""

    def __init__(self, path: Path) -> None:
        self.operations: list[Operation] = []
        self.orders: set[str] = set()
        self._file = path.open("ab")
        self._encoder = msgspec.json.Encoder()

    def add(self, operation: Operation) -> None:
        self.operations.append(operation)
        if operation.op in CHECKOUTS and operation.outcome == "ok":
            self.orders.add(operation.order_id)
        self._file.write(self._encoder.encode(operation) + b"\n")

    def close(self) -> None:
        self._file.close()


def read(path: Path) -> Sequence[Operation]:
    """Return the operations of a finished run's log."""
    return [
        msgspec.json.decode(line, type=Operation) for line in path.read_bytes().splitlines() if line
    ]
