"""The smoke of every `make test`: real processes, twenty faults, and not one broken row."""

import asyncio
import re
import sys
from pathlib import Path
from signal import Signals

import pytest

from pasar.engines.process import bound_to_parent

ROOT = Path(__file__).parents[2]
CHECKOUTS = 200
FAULTS = 8


@pytest.mark.timeout(240)  # 90 s, and as much again on a machine that does other things as well
async def test_h02_h08_h09_h10_h12_h17_h22_h24_h27_h28_h33_hold_amid_faults() -> None:
    smoke = await asyncio.create_subprocess_exec(
        *bound_to_parent([sys.executable, "-m", "chaos.run", "--smoke"], Signals.SIGKILL),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = (await smoke.communicate())[0].decode()

    assert smoke.returncode == 0, said
    assert figure(r"(\d+) orders acknowledged", said) >= CHECKOUTS
    assert figure(r"faults \((\d+)\)", said) >= FAULTS


def figure(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    assert found, text
    return int(found[1])
