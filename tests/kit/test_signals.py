"""A process is told to stop once politely, then at once."""

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

STUBBORN = """
import asyncio
from pasar.kit.signals import told_to_stop

async def main():
    told = told_to_stop()
    print("waiting", flush=True)
    await told.wait()
    print("told", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
def process() -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE, text=True
    ) as started:
        yield started
        started.kill()


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_heard_and_the_second_ends_the_process(
    process: "subprocess.Popen[str]", first: signal.Signals, second: signal.Signals
) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    process.send_signal(first)
    assert process.stdout.readline() == "told\n"
    process.send_signal(second)

    assert process.wait(10) == -second
