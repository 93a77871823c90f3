"""How long a part took to serve again: from its return to the first success, other faults apart."""

import pytest

from chaos.oplog import Operation
from chaos.recovery import NO_PART, Recovery, Struck, covered, recoveries


def success(at: float, via: str = "store-2") -> Operation:
    return Operation(
        t=at, took_s=0.0, client="b", op="cart", args={}, via=via, outcome="ok", status=200
    )


KILLED = Struck("kill store", "store-1", 10.0, 12.0)


def test_a_store_serves_again_with_its_own_first_answer() -> None:
    answers = [success(11, "store-1"), success(12.1, "store-2"), success(13, "store-1")]

    [found] = recoveries([KILLED], answers, [], load_ended=60)

    assert found == Recovery("kill store", "store-1", 1.0)


def test_an_engine_serves_again_with_the_first_answer_of_any_store() -> None:
    killed = Struck("kill postgres", "postgres", 10.0, 12.0)

    [found] = recoveries([killed], [success(12.5)], [], load_ended=60)

    assert found.took_s == pytest.approx(0.5)


@pytest.mark.parametrize("part", ["payment-1", "broker", "nsqd"])
def test_payment_and_broker_serve_again_with_the_next_paid_order(part: str) -> None:
    killed = Struck("kill", part, 10.0, 12.0)

    [found] = recoveries([killed], [success(12.1)], [11.0, 14.0], load_ended=60)

    assert found.took_s == pytest.approx(2.0)


@pytest.mark.parametrize(
    "other",
    [Struck("slow link", "", 12.5, 14.5), Struck("pause web process", "store-2", 12.5, 14.5)],
)
def test_time_in_which_another_fault_was_at_work_does_not_count(other: Struck) -> None:
    found, *_ = recoveries([KILLED, other], [success(15, "store-1")], [], load_ended=60)

    assert found.took_s == pytest.approx(1.0)


@pytest.mark.parametrize("part", [NO_PART, "redis", "store-2"])
def test_a_fault_that_hinders_nobody_here_excuses_nothing(part: str) -> None:
    other = Struck("other", part, 12.5, 14.5)

    found = recoveries([KILLED, other], [success(15, "store-1")], [], load_ended=16)

    assert found[0].took_s == pytest.approx(3.0)


def test_a_part_that_never_serves_again_is_told_unless_the_load_ended_at_once() -> None:
    assert recoveries([KILLED], [], [], load_ended=60) == [Recovery("kill store", "store-1", None)]
    assert recoveries([KILLED], [], [], load_ended=13) == []


def test_the_grace_after_a_fault_belongs_to_it() -> None:
    assert covered([KILLED], 14.9, 15.2, grace_s=3)
    assert not covered([KILLED], 15.1, 15.2, grace_s=3)
    assert not covered([KILLED], 9.0, 9.9, grace_s=3)
