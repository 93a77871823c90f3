"""Lines leave together, whole, in order, and at the latest when somebody must read them."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from pasar.kit.log_sink import MOST_LINES, Sink


@dataclass(frozen=True, slots=True)
class Pipe:
    """A pipe in packet mode: each read returns what one write has written."""

    reader: int
    writer: int

    def writes(self) -> list[str]:
        """Return the writes so far."""
        found: list[str] = []
        while True:
            try:
                found.append(os.read(self.reader, 1_000_000).decode())
            except BlockingIOError:
                return found


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_DIRECT)
    yield Pipe(reader, writer)
    os.close(reader)
    os.close(writer)


async def test_lines_of_a_moment_leave_in_one_write(pipe: Pipe) -> None:
    sink = Sink(pipe.writer)
    sink.info("one")
    sink.info("two")
    assert pipe.writes() == []

    sink.flush()
    assert pipe.writes() == ["one\ntwo\n"]


async def test_a_line_waits_for_the_loop_only_a_moment() -> None:
    reader, writer = os.pipe()
    sink = Sink(writer)
    sink.info("one")

    assert await asyncio.to_thread(os.read, reader, 100) == b"one\n"
    os.close(reader)
    os.close(writer)


async def test_a_warning_waits_for_nobody_and_takes_along_what_came_before(pipe: Pipe) -> None:
    sink = Sink(pipe.writer)
    sink.info("one")
    sink.warning("two")

    assert pipe.writes() == ["one\ntwo\n"]


def test_without_a_loop_each_line_leaves_at_once(pipe: Pipe) -> None:
    Sink(pipe.writer).info("one")

    assert pipe.writes() == ["one\n"]


async def test_no_write_cuts_a_line_that_another_process_could_write_into(pipe: Pipe) -> None:
    sink = Sink(pipe.writer)
    lines = [f"{number} {'x' * 700}" for number in range(13)]
    for line in lines:
        sink.info(line)
    sink.flush()
    writes = pipe.writes()

    assert len(writes) == 3
    assert all(len(write) <= 4096 and write.endswith("\n") for write in writes)
    assert "".join(writes).splitlines() == lines


async def test_waiting_lines_are_bounded(pipe: Pipe) -> None:
    sink = Sink(pipe.writer)
    for _ in range(MOST_LINES):
        sink.info("x")

    assert sum(map(len, pipe.writes())) == 2 * MOST_LINES


async def test_a_log_without_reader_stops_nobody() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    sink = Sink(writer)

    sink.warning("nobody reads this")
    sink.flush()
    os.close(writer)


@pytest.mark.parametrize("ending", ["return", "1 / 0", "raise SystemExit(3)"])
def test_nothing_is_lost_at_the_end_of_a_process(ending: str) -> None:
    script = f"""
import asyncio
from pasar.kit import log
async def main():
    log.get("relay").info("the last words")
    {ending}
log.configure("store-service", human=False)
asyncio.run(main())
"""
    run = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True, timeout=30
    )

    assert "the last words" in run.stderr
