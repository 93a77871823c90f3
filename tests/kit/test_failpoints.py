"""Failpoints: silent unless armed, and then exactly what was asked for."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from pasar.kit import failpoints
from pasar.kit.failpoints import FailpointReached, reach
from pasar.kit.settings import BadSetting


def arm(text: str) -> None:
    failpoints.arm(text, app_env="test")


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    arm("")


async def test_nothing_happens_at_a_stop_nobody_armed() -> None:
    arm("relay.tick=raise")

    assert await reach("sweeper.tick") is False


async def test_raise_is_a_fault_that_no_code_expects() -> None:
    arm("relay.tick=raise")

    with pytest.raises(FailpointReached):
        await reach("relay.tick")


async def test_skip_asks_the_caller_to_leave_the_step_out() -> None:
    arm("relay.tick=skip, sweeper.tick=skip")

    assert await reach("relay.tick")
    assert await reach("sweeper.tick")


async def test_sleep_takes_its_time() -> None:
    arm("relay.tick=sleep:50ms")

    began = time.monotonic()
    await reach("relay.tick")

    assert time.monotonic() - began >= 0.05


async def test_a_share_is_drawn_anew_at_every_visit() -> None:
    arm("relay.tick=skip:1/2")

    outcomes = {await reach("relay.tick") for _ in range(200)}

    assert outcomes == {True, False}


def test_kill_ends_the_process_at_once() -> None:
    program = (
        "import asyncio; from pasar.kit import failpoints;"
        "failpoints.arm('pay.after_bank=kill', app_env='test');"
        "asyncio.run(failpoints.reach('pay.after_bank')); print('still here')"
    )

    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=False, timeout=30
    )

    assert ended.returncode == -9
    assert ended.stdout == b""


@pytest.mark.parametrize(
    "text",
    ["relay.tick", "relay.tick=explode", "relay=kill", "relay.tick=sleep:soon", "a.b=kill:0/2"],
)
def test_what_cannot_be_read_names_the_variable_and_arms_nothing(text: str) -> None:
    with pytest.raises(BadSetting, match="PASAR_FAILPOINTS"):
        arm(f"sweeper.tick=skip,{text}")

    assert asyncio.run(reach("sweeper.tick")) is False


def test_h55_production_refuses_them() -> None:
    with pytest.raises(BadSetting, match="production"):
        failpoints.arm("relay.tick=skip", app_env="production")

    failpoints.arm("", app_env="production")
