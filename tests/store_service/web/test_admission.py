"""How many places a process has, as its answers to itself are prompt or late."""

from structlog.testing import capture_logs

from pasar.kit.errors import Unavailable
from pasar.store_service.web.admission import BURST_S, LATE_S, PER_CONNECTION, Admission
from tests.fakes.clock import HeldClock

MOST, CONNECTIONS = 512, 10
FEWEST = PER_CONNECTION * CONNECTIONS


class House:
    """A process whose answers to itself take as long as the test says."""

    def __init__(self, most: int = MOST) -> None:
        self.clock = HeldClock()
        self.admission = Admission(self.clock, most=most, connections=CONNECTIONS)

    async def answers_in(self, seconds: float, *, by_refusing: bool = False) -> None:
        async def ask() -> None:
            self.clock.advance(seconds)
            if by_refusing:
                raise Unavailable

        await self.admission.look(ask)

    def places(self) -> int:
        """Take all, count them, and leave."""
        taken = 0
        try:
            while True:
                self.admission.enter()
                taken += 1
        except Unavailable:
            return taken
        finally:
            for _ in range(taken):
                self.admission.leave()


def test_h35_a_prompt_process_has_all_its_places() -> None:
    assert House().places() == MOST


async def test_h35_a_burst_that_is_served_within_a_second_costs_no_place() -> None:
    house = House()
    await house.answers_in(BURST_S / 2)

    assert house.places() == MOST


async def test_h35_a_process_that_stays_late_halves_its_crowd_each_time_and_says_so_once() -> None:
    house = House()
    for _ in range(100):
        house.admission.enter()
    with capture_logs() as lines:
        await house.answers_in(BURST_S)
        half = house.places() + 100
        for _ in range(10):
            await house.answers_in(1.5 * LATE_S)
    for _ in range(100):
        house.admission.leave()

    assert half == 100  # those who are in stay; fifty places are kept
    assert house.places() == FEWEST
    assert [line["event"] for line in lines] == ["overloaded"]


async def test_h35_short_waits_are_a_crowd_too_once_they_last_as_long_as_a_burst() -> None:
    house = House()
    for _ in range(int(BURST_S / LATE_S)):
        await house.answers_in(1.5 * LATE_S)

    assert house.places() == FEWEST


async def test_h35_the_places_come_back_one_prompt_answer_after_the_other() -> None:
    house = House()
    await house.answers_in(BURST_S)
    await house.answers_in(LATE_S / 2)
    grown = house.places()
    for _ in range(31):
        await house.answers_in(LATE_S / 2)

    assert FEWEST < grown < 2 * FEWEST
    assert house.places() == MOST


async def test_h35_a_crowd_that_is_not_over_is_no_burst() -> None:
    house = House()
    for _ in range(200):
        house.admission.enter()
    await house.answers_in(BURST_S)
    await house.answers_in(LATE_S / 2)
    await house.answers_in(1.5 * LATE_S)
    for _ in range(200):
        house.admission.leave()

    assert FEWEST < house.places() < 200 // 3  # halved twice


async def test_h24_a_database_that_refuses_at_once_is_no_crowd_but_one_that_lets_wait_is() -> None:
    house = House()
    for _ in range(10):
        await house.answers_in(0.01, by_refusing=True)
    away = house.places()
    await house.answers_in(2.0, by_refusing=True)

    assert (away, house.places()) == (MOST, FEWEST)


async def test_fewer_places_than_the_fewest_stay_what_they_are() -> None:
    house = House(most=10)
    await house.answers_in(BURST_S)

    assert house.places() == 10
