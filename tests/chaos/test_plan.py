"""The plan of a seed: repeatable, complete, in another order each round."""

from chaos.faults import FAULTS
from chaos.plan import LONG, SMOKE, STORMS, plan
from chaos.shop import PAYMENTS

GAP_S = (2.0, 8.0)


def test_a_seed_repeats_its_plan_and_another_one_does_not() -> None:
    assert plan(7, LONG, GAP_S, 600) == plan(7, LONG, GAP_S, 600)
    assert plan(7, LONG, GAP_S, 600) != plan(8, LONG, GAP_S, 600)


def test_the_smoke_is_one_round_of_at_least_eight_faults() -> None:
    names = [planned.name for planned in plan(7, SMOKE, GAP_S, 0)]

    assert sorted(names) == sorted(SMOKE)
    assert len(names) >= 8


def test_ten_seeds_of_ten_minutes_kill_as_often_as_the_specification_asks() -> None:
    """A share of what `results.ASKED` asks of done kills; on streams nsqd and Redis are one."""
    names = [each.name for seed in range(10) for each in plan(seed, LONG, GAP_S, 600)]

    assert min(names.count("kill store"), names.count("kill payment")) >= 50
    assert min(names.count(f"kill {part}") for part in ("broker", "redis", "postgres")) >= 20
    assert min(names.count(name) for name in FAULTS) >= 5


def test_every_fault_of_the_smoke_exists() -> None:
    assert set(SMOKE) <= set(FAULTS)


def test_each_storm_repeats_a_fault_that_exists() -> None:
    assert {storm.fault for storm in STORMS.values()} <= set(FAULTS)


def test_no_payment_service_is_spared_by_its_storm() -> None:
    assert STORMS["payment"].abreast == len(PAYMENTS)
