"""States that processes are kept in: they end with their block."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path

import pytest

from chaos.processes import descendants, no_room

WRITES = """
import sys
for line in sys.stdin:
    try:
        with open(line.strip(), "a") as file:
            file.write("a line")
        print("ok", flush=True)
    except OSError as fault:
        print(type(fault).__name__, flush=True)
"""


@pytest.fixture
async def writer() -> AsyncGenerator[asyncio.subprocess.Process]:
    """Appends to each file that it is told, and says how that ended."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", WRITES),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    yield process
    with suppress(ProcessLookupError):
        process.kill()
    await process.communicate()


async def told(writer: asyncio.subprocess.Process, file: Path) -> str:
    assert writer.stdin
    assert writer.stdout
    writer.stdin.write(f"{file}\n".encode())
    return (await writer.stdout.readline()).decode().strip()


async def test_h32_without_room_nothing_is_written_until_there_is_some_again(
    writer: asyncio.subprocess.Process, tmp_path: Path
) -> None:
    file = tmp_path / "picture"
    with no_room([writer.pid]):
        assert await told(writer, file) == "OSError"
        assert file.read_text() == ""

    assert await told(writer, file) == "ok"


async def test_a_process_that_died_meanwhile_is_left_alone(
    writer: asyncio.subprocess.Process,
) -> None:
    with no_room([writer.pid]):
        writer.kill()
        await writer.wait()


async def test_descendants_are_found_by_a_word_of_their_command_line(
    writer: asyncio.subprocess.Process,
) -> None:
    parent = os.getpid()

    assert writer.pid in descendants(parent, "sys.stdin")
    assert writer.pid not in descendants(parent, "no such word")
