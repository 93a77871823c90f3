"""The breaker: five failures in a row open it, one probe after a while."""

import pytest

from pasar.kit.breaker import Breaker
from tests.fakes.clock import HeldClock

REFUSED = ConnectionError("refused")


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


@pytest.fixture
def breaker(clock: HeldClock) -> Breaker:
    return Breaker("test", failures=5, open_s=2.0, clock=clock)


def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        breaker.failed(REFUSED)


def test_calls_pass_until_the_fifth_failure_in_a_row(breaker: Breaker) -> None:
    fail(breaker, 4)
    assert breaker.admit()

    fail(breaker, 1)
    assert not breaker.admit()


def test_a_success_in_between_starts_the_count_again(breaker: Breaker) -> None:
    fail(breaker, 4)
    breaker.succeeded()
    fail(breaker, 4)

    assert breaker.admit()


def test_after_the_open_time_exactly_one_probe_passes(breaker: Breaker, clock: HeldClock) -> None:
    fail(breaker, 5)

    clock.advance(1.99)
    assert not breaker.admit()

    clock.advance(0.01)
    assert [breaker.admit() for _ in range(3)] == [True, False, False]


def test_a_probe_that_fails_costs_another_open_time(breaker: Breaker, clock: HeldClock) -> None:
    fail(breaker, 5)
    clock.advance(2)
    assert breaker.admit()
    fail(breaker, 1)

    clock.advance(1.9)
    assert not breaker.admit()
    clock.advance(0.1)
    assert breaker.admit()


def test_a_probe_that_never_reports_does_not_stop_the_next(
    breaker: Breaker, clock: HeldClock
) -> None:
    fail(breaker, 5)
    clock.advance(2)
    assert breaker.admit()

    clock.advance(2)
    assert breaker.admit()


def test_a_probe_that_succeeds_admits_everybody_again(breaker: Breaker, clock: HeldClock) -> None:
    fail(breaker, 5)
    clock.advance(2)
    assert breaker.admit()
    breaker.succeeded()

    assert breaker.admit()
    assert breaker.admit()


def test_failures_that_come_late_do_not_put_the_probe_off(
    breaker: Breaker, clock: HeldClock
) -> None:
    fail(breaker, 5)
    clock.advance(1.5)
    fail(breaker, 3)

    clock.advance(0.5)
    assert breaker.admit()
