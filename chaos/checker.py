"""
What the operation log and the books say against each other: the rows no SQL alone can judge.

Each check returns what breaks it; a sound run has none. The invariants in SQL are `pasar.audit`'s.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from chaos.books import Books
from chaos.messages import Letter
from chaos.oplog import CHECKOUTS, Operation
from chaos.recovery import FULL_DISK, Recovery, Struck, covered

_AWAY: Final = {503, 504}
_FALSE: Final = {401, 403, 404}  # every token is good, everything asked for is the caller's own
_SERVER_FAULT: Final = 500


@dataclass(frozen=True, slots=True)
class Broken:
    """One row that breaks a promise; `order_id` if there is one to tell the story of."""

    name: str
    what: str
    order_id: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that a run left behind; `limit_s` is how long a recovery may take."""

    operations: Sequence[Operation]
    books: Books
    injected: Sequence[Letter]
    struck: Sequence[Struck]
    recoveries: Sequence[Recovery]
    surprises: Sequence[str]
    stores: Mapping[str, str]
    limit_s: float

    def checkouts(self) -> Iterator[Operation]:
        return (each for each in self.operations if each.op in CHECKOUTS)

    def server_faults(self) -> Sequence[Operation]:
        return [e for e in self.operations if e.status >= _SERVER_FAULT and e.status not in _AWAY]


def acknowledged_is_durable(evidence: Evidence) -> Iterator[Broken]:
    """I11: what was answered with 2xx is in the books."""
    orders, moves = evidence.books.orders, evidence.books.moves
    for each in evidence.operations:
        if each.outcome != "ok":
            continue
        order = orders.get(each.order_id)
        if each.op in CHECKOUTS and (order is None or order.key != each.key):
            yield Broken("I11", f"acknowledged order lost: {each.order_id}", each.order_id)
        if each.op == "cancel" and (order is None or order.status != "cancelled"):
            yield Broken("I11", f"acknowledged cancel lost: {each.order_id}", each.order_id)
        if each.op == "move":
            move = (each.order_id, evidence.stores[each.client], str(each.args["status"]))
            if move not in moves:
                yield Broken("I11", f"acknowledged move lost: {' '.join(move)}", each.order_id)


def refused_is_nothing(evidence: Evidence) -> Iterator[Broken]:
    """I11: a key that was only ever refused, or never used, has no order."""
    open_keys = {each.key for each in evidence.checkouts() if each.outcome != "fail"}
    for order in evidence.books.orders.values():
        if order.key not in open_keys:
            yield Broken("I11", f"refused checkout left order {order.order_id}", order.order_id)


def one_key_one_order(evidence: Evidence) -> Iterator[Broken]:
    """I12: however often a key was sent, and whatever became of the answers."""
    made: defaultdict[str, set[str]] = defaultdict(set)
    for order in evidence.books.orders.values():
        made[order.key].add(order.order_id)
    for each in evidence.checkouts():
        if each.outcome == "ok":
            made[each.key].add(each.order_id)
    for key, orders in made.items():
        if len(orders) > 1:
            yield Broken("I12", f"key {key} made orders {' '.join(sorted(orders))}", min(orders))


def dead_letters_are_the_injected(evidence: Evidence) -> Iterator[Broken]:
    """I15: none else died, and all of these did."""
    injected = set(evidence.injected)
    for letter in evidence.books.dead - injected:
        yield Broken("I15", f"dead letter that nobody injected: {letter.topic} {letter.body!r}")
    for letter in injected - evidence.books.dead:
        yield Broken("I15", f"injected letter did not die: {letter.topic} {letter.body!r}")


def answers_are_honest(evidence: Evidence) -> Iterator[Broken]:
    """No 500, no false refusal, and "come back later" only while something is away."""
    for each in evidence.server_faults():
        if not _had_no_room(each, evidence.struck):
            yield Broken("5xx", _said(each), each.order_id)
    for each in evidence.operations:
        if each.status in _FALSE and each.op != "cart":  # a line may be gone already
            yield Broken("false refusal", _said(each), each.order_id)
        if each.status in _AWAY and not covered(
            evidence.struck, each.t, each.ended, evidence.limit_s
        ):
            yield Broken("unavailable", f"{_said(each)} while all parts ran", each.order_id)


def _said(each: Operation) -> str:
    return f"{each.status} to {each.op} {each.args} ({each.request_id})"


def _had_no_room(each: Operation, struck: Sequence[Struck]) -> bool:
    """Say whether it is an upload that met a full disk: its 500 is contract (D17)."""
    full = (one for one in struck if one.name == FULL_DISK)
    return each.op == "picture" and covered(full, each.t, each.ended, grace_s=0)


def parts_come_back(evidence: Evidence) -> Iterator[Broken]:
    """Each struck part serves again in time; no other one dies, and nothing deadlocks."""
    for each in evidence.recoveries:
        if each.took_s is None or each.took_s > evidence.limit_s:
            yield Broken("recovery", str(each))
    for surprise in evidence.surprises:
        yield Broken("surprise", surprise)


CHECKS: Final[Sequence[Callable[[Evidence], Iterator[Broken]]]] = (
    acknowledged_is_durable,
    refused_is_nothing,
    one_key_one_order,
    dead_letters_are_the_injected,
    answers_are_honest,
    parts_come_back,
)


def judge(evidence: Evidence) -> Sequence[Broken]:
    """Return every broken row, in the order of the checks."""
    return [broken for check in CHECKS for broken in check(evidence)]
