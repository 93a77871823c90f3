"""Each promise of the log: evidence of a sound run passes, one planted breach is found."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from chaos.books import Books, Kept
from chaos.checker import Evidence, judge
from chaos.messages import Letter
from chaos.oplog import Operation, Outcome
from chaos.recovery import FULL_DISK, NO_PART, Recovery, Struck

POISON = Letter("order.created", b"poison")


def operation(op: str, outcome: Outcome, status: int, **more: str) -> Operation:
    return Operation(
        t=100.0,
        took_s=0.1,
        client=more.get("client", "buyer-1"),
        op=op,
        key=more.get("key", ""),
        args={"status": "processing"} if op == "move" else {},
        via="store-1",
        outcome=outcome,
        status=status,
        order_id=more.get("order_id", ""),
    )


SOUND = Evidence(
    operations=[
        operation("checkout", "ok", 201, key="k1", order_id="o1"),
        operation("retry", "ok", 201, key="k1", order_id="o1"),
        operation("move", "ok", 200, client="seller-1", order_id="o1"),
        operation("checkout", "unknown", 0, key="k2"),
        operation("checkout", "fail", 400, key="k3"),
        operation("checkout", "ok", 201, key="k4", order_id="o4"),
        operation("cancel", "ok", 200, order_id="o4"),
        operation("cart", "unknown", 503),
    ],
    books=Books(
        orders={
            "o1": Kept("o1", "k1", "processing"),
            "o2": Kept("o2", "k2", "paid"),
            "o4": Kept("o4", "k4", "cancelled"),
        },
        moves=frozenset({("o1", "s1", "processing")}),
        dead=frozenset({POISON}),
        paid_at=[101.0],
    ),
    injected=[POISON],
    struck=[Struck("kill postgres", "postgres", 99.0, 99.5)],
    recoveries=[Recovery("kill postgres", "postgres", 0.5)],
    surprises=[],
    stores={"seller-1": "s1"},
    limit_s=3.0,
)


def with_orders(*orders: Kept) -> Evidence:
    books = replace(SOUND.books, orders={order.order_id: order for order in orders})
    return replace(SOUND, books=books)


def with_dead(*letters: Letter) -> Evidence:
    return replace(SOUND, books=replace(SOUND.books, dead=frozenset(letters)))


def with_operation(*more: Operation) -> Evidence:
    return replace(SOUND, operations=[*SOUND.operations, *more])


KEPT = tuple(SOUND.books.orders.values())


def names(evidence: Evidence) -> Sequence[str]:
    return [broken.name for broken in judge(evidence)]


def test_a_sound_run_breaks_nothing() -> None:
    assert judge(SOUND) == []


def test_i11_an_acknowledged_order_that_is_lost_is_found() -> None:
    [broken] = judge(with_orders(*KEPT[1:]))[:1]

    assert (broken.name, broken.order_id) == ("I11", "o1")


@pytest.mark.parametrize(
    "evidence",
    [
        with_orders(*KEPT[:2], Kept("o4", "k4", "paid")),
        replace(SOUND, books=replace(SOUND.books, moves=frozenset())),
        with_orders(*KEPT, Kept("o3", "k3", "pending")),
        with_orders(*KEPT, Kept("o5", "nobody's", "pending")),
    ],
    ids=["cancel lost", "move lost", "refused checkout left an order", "order of nobody"],
)
def test_i11_what_was_answered_and_what_is_kept_must_agree(evidence: Evidence) -> None:
    assert names(evidence) == ["I11"]


def test_i11_an_unknown_checkout_may_have_made_an_order_or_not() -> None:
    assert judge(with_orders(KEPT[0], KEPT[2])) == []


def test_i12_a_double_sale_under_one_key_is_found() -> None:
    assert "I12" in names(with_orders(*KEPT, Kept("o9", "k1", "paid")))


def test_i12_two_orders_told_for_one_key_are_found() -> None:
    told_twice = with_operation(operation("retry", "ok", 201, key="k4", order_id="o1"))

    assert "I12" in names(told_twice)


def test_i15_a_dead_letter_that_nobody_injected_is_found() -> None:
    stray = Letter("payment.success", b"lost")

    assert names(with_dead(POISON, stray)) == ["I15"]


def test_i15_an_injected_letter_that_did_not_die_is_found() -> None:
    assert names(with_dead()) == ["I15"]


@pytest.mark.parametrize("status", [500, 502])
def test_a_server_fault_is_found(status: int) -> None:
    assert names(with_operation(operation("edit", "unknown", status))) == ["5xx"]


FULL = Struck(FULL_DISK, NO_PART, 99.0, 101.0)
UPLOAD = operation("picture", "unknown", 500)


@pytest.mark.parametrize(
    ("struck", "failed"),
    [
        ([FULL], replace(UPLOAD, op="checkout")),
        ([replace(FULL, name="shift clocks")], UPLOAD),
        ([FULL], replace(UPLOAD, t=101.1)),
    ],
    ids=["another operation", "another fault", "room again"],
)
def test_d17_h32_nothing_but_an_upload_fails_on_a_full_disk_and_only_then(
    struck: Sequence[Struck], failed: Operation
) -> None:
    evidence = replace(with_operation(failed), struck=[*SOUND.struck, *struck])

    assert names(evidence) == ["5xx"]


def test_d17_h32_an_upload_may_fail_on_a_full_disk() -> None:
    assert judge(replace(with_operation(UPLOAD), struck=[*SOUND.struck, FULL])) == []


@pytest.mark.parametrize("status", [401, 403, 404])
def test_h24_a_false_refusal_is_found(status: int) -> None:
    assert names(with_operation(operation("cancel", "fail", status))) == ["false refusal"]


def test_unavailable_is_excused_only_while_something_is_away() -> None:
    later = replace(operation("cart", "unknown", 503), t=200.0)

    assert names(with_operation(later)) == ["unavailable"]


@pytest.mark.parametrize("took_s", [None, 3.1])
def test_a_part_that_does_not_serve_again_in_time_is_found(took_s: float | None) -> None:
    slow = replace(SOUND, recoveries=[Recovery("kill store", "store-1", took_s)])

    assert names(slow) == ["recovery"]


def test_a_part_that_dies_by_itself_is_found() -> None:
    assert names(replace(SOUND, surprises=["store-1 ended by itself with code 1"])) == ["surprise"]
