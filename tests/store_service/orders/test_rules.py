"""The state table, and what an attempt or a payment result amounts to."""

from itertools import pairwise
from itertools import product as pairs
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pasar.kit.money import Money
from pasar.store_service.catalog.model import ProductId
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
    ProductGone,
    SellerWithoutStore,
    Settlement,
    Status,
    TotalChanged,
    Verdict,
    Wanted,
)
from pasar.store_service.orders.rules import (
    CANCELLABLE,
    LARGEST_TOTAL,
    TRANSITIONS,
    accepted,
    least_advanced,
    may_move,
    most_advanced,
    next_step,
    settlement,
    step,
)
from pasar.store_service.stores.model import StoreId

ORDER = OrderId(UUID(int=1))
HERE, THERE = StoreId(UUID(int=5)), StoreId(UUID(int=6))
LAMP = Wanted(ProductId(UUID(int=2)), 2, "Lamp", 2)
SHORT = Wanted(ProductId(UUID(int=3)), 3, "Vase", 2)
GONE = Wanted(ProductId(UUID(int=4)), 1, "", None)


def refused(*lines: Wanted, total: int = 100) -> Attempt:
    return Attempt(lines, Money(total), None)


def held(status: Status) -> HeldOrder:
    return HeldOrder(ORDER, UserId(UUID(int=9)), status, Money(500))


def verdict(*, approved: bool, amount: int | None = 500) -> Verdict:
    money = None if amount is None else Money(amount)
    return Verdict(ORDER, approved, "pay_1", money, "")


def test_an_empty_cart_is_refused() -> None:
    with pytest.raises(CartIsEmpty, match=r"^cart is empty$"):
        accepted(refused())


def test_the_first_line_that_cannot_be_served_is_named() -> None:
    with pytest.raises(OutOfStock, match=r"^insufficient stock for product Vase$"):
        accepted(refused(LAMP, SHORT, GONE))
    with pytest.raises(ProductGone, match=f"^product {GONE.product_id} not found$"):
        accepted(refused(LAMP, GONE, SHORT))


def test_a_total_beyond_the_column_is_refused() -> None:
    with pytest.raises(OrderTotalTooLarge, match=r"^order total too large$"):
        accepted(refused(LAMP, total=LARGEST_TOTAL.minor + 1))


def test_an_unexpected_total_is_told() -> None:
    with pytest.raises(TotalChanged, match=r"12\.5$") as refusal:
        accepted(refused(LAMP, total=1250))

    assert refusal.value.field == "expected_total"


def test_nothing_leaves_the_two_last_states_and_nothing_stays_put() -> None:
    for before, after in TRANSITIONS:
        assert before not in {Status.COMPLETED, Status.CANCELLED}
        assert before is not after


def test_the_buyer_only_cancels_and_the_system_only_decides_pending_orders() -> None:
    moves = [(actor, pair) for pair in pairs(Status, Status) for actor in Actor]
    buyers = [pair for actor, pair in moves if actor is Actor.BUYER and may_move(actor, *pair)]
    systems = [pair for actor, pair in moves if actor is Actor.SYSTEM and may_move(actor, *pair)]

    assert buyers == [
        (before, Status.CANCELLED) for before in (Status.PENDING, Status.PAID, Status.PROCESSING)
    ]
    assert systems == [(Status.PENDING, Status.PAID), (Status.PENDING, Status.CANCELLED)]


def test_a_seller_goes_step_by_step() -> None:
    way = list(Status)[list(Status).index(Status.PAID) : list(Status).index(Status.CANCELLED)]
    allowed = [pair for pair in pairs(Status, Status) if may_move(Actor.SELLER, *pair)]

    assert allowed == list(pairwise(way))


@given(st.lists(st.sampled_from(Status), min_size=1))
def test_an_order_is_its_least_advanced_part(parts: list[Status]) -> None:
    status = least_advanced(parts)

    assert status in parts
    assert status is not Status.CANCELLED or set(parts) == {Status.CANCELLED}
    assert all(list(Status).index(status) <= list(Status).index(part) for part in parts)


def test_c22_a_buyer_cancels_until_something_is_on_its_way() -> None:
    assert CANCELLABLE == (Status.PENDING, Status.PAID, Status.PROCESSING)
    assert most_advanced(Status.PAID, [Status.PAID, Status.SHIPPING]) is Status.SHIPPING
    assert most_advanced(Status.SHIPPED, []) is Status.SHIPPED


@pytest.mark.parametrize("before", Status)
@pytest.mark.parametrize("wanted", [*Status, "Shipped", "delivered", " paid"])
def test_h19_every_step_but_the_next_is_refused(before: Status, wanted: str) -> None:
    following = dict(pairwise(list(Status)[1:6]))
    if following.get(before) == wanted:
        assert next_step(before, wanted) is Status(wanted)
        return
    ended = before in {Status.PENDING, Status.COMPLETED, Status.CANCELLED}
    sentence = (
        f"cannot transition from status {before.value}"
        if ended
        else f"invalid status transition from {before.value} to {wanted}"
    )

    with pytest.raises(NotYetOrNoLonger if ended else NotTheNextStep) as refusal:
        next_step(before, wanted)
    assert (refusal.value.message, refusal.value.code) == (sentence, "INVALID_STATUS")


def test_d27_a_step_is_judged_on_the_own_part() -> None:
    parts = {HERE: Status.SHIPPING, THERE: Status.PAID}
    ahead = step(held(Status.PAID), parts, HERE, "shipped")
    behind = step(held(Status.PAID), parts, THERE, "processing")

    assert (ahead.after, ahead.order_after) == (Status.SHIPPED, Status.PAID)
    assert (behind.after, behind.order_after) == (Status.PROCESSING, Status.PROCESSING)
    with pytest.raises(NotTheNextStep, match="from paid to shipped"):
        step(held(Status.PAID), parts, THERE, "shipped")


def test_d27_whose_order_it_is_comes_before_its_state() -> None:
    with pytest.raises(NotSellersOrder):
        step(held(Status.COMPLETED), {THERE: Status.COMPLETED}, HERE, "nonsense")
    with pytest.raises(SellerWithoutStore):
        step(held(Status.PAID), {THERE: Status.PAID}, None, "processing")


@pytest.mark.parametrize("status", Status)
def test_a_result_decides_pending_orders_only(status: Status) -> None:
    expected = {
        Status.PENDING: (Settlement.SETTLED, Settlement.SETTLED),
        Status.CANCELLED: (Settlement.LATE, Settlement.LATE),
    }.get(status, (Settlement.IGNORED, Settlement.CONTRADICTED))

    for approved, decision in zip((True, False), expected, strict=True):
        assert settlement(held(status), verdict(approved=approved)) is decision


@pytest.mark.parametrize("status", Status)
def test_a_result_about_another_amount_decides_nothing(status: Status) -> None:
    for approved in (True, False):
        with pytest.raises(AmountMismatch):
            settlement(held(status), verdict(approved=approved, amount=501))


def test_an_earlier_payment_service_names_no_amount() -> None:
    result = verdict(approved=True, amount=None)

    assert settlement(held(Status.PENDING), result) is Settlement.SETTLED
