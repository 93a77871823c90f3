"""A copy is kept only if nobody could have changed the value since it was read."""

from dataclasses import dataclass

import pytest

from pasar.kit.tracked_copies import TrackedCopies
from tests.fakes.clock import HeldClock


@dataclass(slots=True)
class Watch:
    live: bool = True


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


@pytest.fixture
def copies(watch: Watch, clock: HeldClock) -> TrackedCopies[int, str]:
    return TrackedCopies(watch, clock, most=3, ttl_s=60)


def fill(copies: TrackedCopies[int, str], *keys: int) -> None:
    with copies.reading(keys) as keep:
        for key in keys:
            keep(key, f"v{key}")


def test_what_was_read_is_there_until_it_is_dropped(copies: TrackedCopies[int, str]) -> None:
    fill(copies, 1, 2)
    assert (copies.get(1), copies.get(2), copies.get(3)) == ("v1", "v2", None)

    copies.drop(1)
    assert (copies.get(1), copies.get(2)) == (None, "v2")

    copies.clear()
    assert copies.get(2) is None


def test_a_reading_that_a_change_overtakes_is_not_kept(copies: TrackedCopies[int, str]) -> None:
    with copies.reading([1, 2]) as keep:
        copies.drop(1)
        keep(1, "old")
        keep(2, "new")

    assert (copies.get(1), copies.get(2)) == (None, "new")


def test_a_reading_during_which_the_connection_is_lost_is_not_kept(
    copies: TrackedCopies[int, str],
) -> None:
    with copies.reading([1]) as keep:
        copies.clear()
        keep(1, "old")

    assert copies.get(1) is None


def test_of_two_readings_the_later_one_is_kept(copies: TrackedCopies[int, str]) -> None:
    with copies.reading([1]) as keep_first, copies.reading([1]) as keep_second:
        keep_first(1, "first")
        keep_second(1, "second")

    assert copies.get(1) == "second"


def test_nothing_is_kept_while_nobody_would_tell(
    copies: TrackedCopies[int, str], watch: Watch
) -> None:
    watch.live = False
    with copies.reading([1]) as keep:
        watch.live = True
        keep(1, "old")

    assert copies.get(1) is None


def test_a_reading_that_fails_leaves_nothing_behind(copies: TrackedCopies[int, str]) -> None:
    with pytest.raises(LookupError), copies.reading([1]) as keep:
        raise LookupError

    keep(1, "too late")
    assert copies.get(1) is None


def test_a_copy_expires(copies: TrackedCopies[int, str], clock: HeldClock) -> None:
    fill(copies, 1)
    clock.advance(60)

    assert copies.get(1) is None


def test_the_least_recently_used_are_forgotten(copies: TrackedCopies[int, str]) -> None:
    fill(copies, 1, 2, 3)
    copies.get(1)
    fill(copies, 4)

    assert [copies.get(key) for key in (1, 2, 3, 4)] == ["v1", None, "v3", "v4"]
