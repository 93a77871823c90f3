"""The rules of an order as one table and pure functions: no clock, no database."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import dropwhile
from typing import Final

from pasar.kit.errors import PasarError
from pasar.kit.money import Money
from pasar.store_service.identity import UserId
from pasar.store_service.orders.model import (
    Actor,
    AmountMismatch,
    Attempt,
    CartIsEmpty,
    HeldOrder,
    NotSellersOrder,
    NotTheNextStep,
    NotYetOrNoLonger,
    OrderId,
    OrderTotalTooLarge,
    OutOfStock,
    Placed,
    ProductGone,
    SellerWithoutStore,
    Settlement,
    Status,
    Step,
    TotalChanged,
    Verdict,
    Wish,
)
from pasar.store_service.stores.model import StoreId

LARGEST_TOTAL: Final = Money(999_999_999_999_999)

TRANSITIONS: Final[Mapping[tuple[Status | None, Status], frozenset[Actor]]] = {
    (None, Status.PENDING): frozenset({Actor.BUYER}),
    (Status.PENDING, Status.PAID): frozenset({Actor.SYSTEM}),
    (Status.PENDING, Status.CANCELLED): frozenset({Actor.BUYER, Actor.SYSTEM}),
    (Status.PAID, Status.PROCESSING): frozenset({Actor.SELLER}),
    (Status.PAID, Status.CANCELLED): frozenset({Actor.BUYER}),
    (Status.PROCESSING, Status.SHIPPING): frozenset({Actor.SELLER}),
    (Status.PROCESSING, Status.CANCELLED): frozenset({Actor.BUYER}),
    (Status.SHIPPING, Status.SHIPPED): frozenset({Actor.SELLER}),
    (Status.SHIPPED, Status.COMPLETED): frozenset({Actor.SELLER}),
}
"""(from, to) → who may. What is not listed is forbidden to everybody."""


CANCELLABLE: Final = tuple(
    before
    for (before, after), actors in TRANSITIONS.items()
    if before and after is Status.CANCELLED and Actor.BUYER in actors
)
"""Where a buyer may still cancel: neither the order nor any part of it may be elsewhere."""

_ADVANCE: Final = list(Status).index


def may_move(actor: Actor, before: Status, after: Status) -> bool:
    return actor in TRANSITIONS.get((before, after), frozenset())


def least_advanced(parts: Iterable[Status]) -> Status:
    """Return an order's status from its parts: cancelled only if every part is."""
    return min(parts, key=_ADVANCE)


def most_advanced(order: Status, parts: Iterable[Status]) -> Status:
    """Return the status that a refused cancel names; an order without parts has its own."""
    return max(parts, key=_ADVANCE, default=order)


def step(
    order: HeldOrder, parts: Mapping[StoreId, Status], own: StoreId | None, wanted: str
) -> Step:
    """
    Return the step of the seller whose store is `own`, judged on the own part (contract D27).

    Raises SellerWithoutStore, NotSellersOrder, NotYetOrNoLonger, NotTheNextStep.
    """
    if own is None:
        raise SellerWithoutStore
    if own not in parts:
        raise NotSellersOrder
    before = parts[own]
    after = next_step(before, wanted)
    return Step(
        order=order,
        store_id=own,
        before=before,
        after=after,
        order_after=least_advanced({**parts, own: after}.values()),
    )


def next_step(before: Status, wanted: str) -> Status:
    """Return `wanted` if a seller may take it from here."""
    possible = [status for status in Status if may_move(Actor.SELLER, before, status)]
    if not possible:
        raise NotYetOrNoLonger(before)
    if wanted not in possible:
        raise NotTheNextStep(before, wanted)
    return Status(wanted)


def accepted(attempt: Attempt) -> Placed:
    """Return what was placed, or raise for the first line that could not be served."""
    if attempt.placed is None:
        raise refusal(attempt)
    return attempt.placed


def refusal(attempt: Attempt) -> PasarError:
    """Return why nothing was placed."""
    if not attempt.lines:
        return CartIsEmpty()
    for line in attempt.lines:
        if line.in_stock is None:
            return ProductGone(line.product_id)
        if line.in_stock < line.quantity:
            return OutOfStock(line.name)
    if attempt.total > LARGEST_TOTAL:
        return OrderTotalTooLarge()
    return TotalChanged(attempt.total)


def first_of_each_cart(wishes: Iterable[Wish]) -> Sequence[Wish]:
    """Return the wishes that can be judged together: of those for one cart the first alone."""
    first: dict[UserId, Wish] = {}
    for wish in wishes:
        first.setdefault(wish.buyer, wish)
    return list(first.values())


def unanswered(wishes: Iterable[Wish], attempts: Mapping[OrderId, Attempt]) -> Sequence[Wish]:
    """
    Return the wishes of a batch to ask for again: the first without an answer, and those behind.

    Without an answer is a wish not asked for yet, or unserved behind others that were refused and
    whose units it could not count on. Behind it whatever was placed stays placed: there was enough
    for both. A refusal may read differently after its turn.
    """
    rest = dropwhile(lambda wish: _is_answered(wish, attempts.get(wish.order_id)), wishes)
    placed = {order_id for order_id, attempt in attempts.items() if attempt.placed}
    return [wish for wish in rest if wish.order_id not in placed]


def _is_answered(wish: Wish, attempt: Attempt | None) -> bool:
    if attempt is None:
        return False
    if attempt.placed:
        return True
    is_short_of_nothing = isinstance(refusal(attempt), TotalChanged)
    return not is_short_of_nothing or wish.expected_total not in {None, attempt.total}


def settlement(order: HeldOrder, verdict: Verdict) -> Settlement:
    """Return what the verdict does. Raises AmountMismatch when it speaks of another amount."""
    if verdict.amount not in {None, order.total_amount}:
        raise AmountMismatch(f"{verdict.amount} instead of {order.total_amount}")
    if may_move(Actor.SYSTEM, order.status, outcome(verdict)):
        return Settlement.SETTLED
    if order.status is Status.CANCELLED:
        return Settlement.LATE
    return Settlement.IGNORED if verdict.approved else Settlement.CONTRADICTED


def outcome(verdict: Verdict) -> Status:
    """Return where the verdict moves a pending order."""
    return Status.PAID if verdict.approved else Status.CANCELLED
