"""One child process: its words, its end, and what it does not inherit."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from signal import Signals

import pytest

from pasar.engines.errors import EngineDied, EngineError, Refused, StartingUp
from pasar.engines.process import ChildProcess, Launch

Run = Callable[[str], ChildProcess]


@pytest.fixture
async def run(tmp_path: Path) -> AsyncIterator[Run]:
    children: list[ChildProcess] = []

    def start(script: str) -> ChildProcess:
        command = (sys.executable, "-I", "-S", "-c", script)
        launch = Launch(name="Teapot", command=command, log=tmp_path / "log" / "teapot.log")
        children.append(ChildProcess(launch))
        return children[-1]

    yield start
    for child in children:
        await child.stop((Signals.SIGKILL, 5.0))


async def never() -> str:
    raise StartingUp


async def test_a_child_that_ends_before_it_is_ready_is_quoted(run: Run) -> None:
    child = run("print('no water'); raise SystemExit(3)")
    with pytest.raises(EngineDied, match=r"Teapot ended with code 3: no water \(see .*teapot.log"):
        await child.until_ready(never)


async def test_a_child_that_is_never_ready_is_given_up(run: Run) -> None:
    with pytest.raises(EngineDied, match=r"Teapot was not ready within 0.1 s"):
        await run("import time; time.sleep(60)").until_ready(never, limit_s=0.1)


async def test_readiness_is_asked_for_until_it_comes(run: Run) -> None:
    answers: Iterator[Exception | str]
    answers = iter([StartingUp(), ConnectionRefusedError(), "1.0"])

    async def greet() -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert await run("import time; time.sleep(60)").until_ready(greet) == "1.0"


async def test_a_server_of_ours_that_refuses_us_is_no_matter_of_waiting(run: Run) -> None:
    async def greet() -> str:
        raise Refused("refuses the login")

    with pytest.raises(EngineError, match="our own Teapot refuses the login"):
        await run("import time; time.sleep(60)").until_ready(greet)


async def test_the_next_signal_comes_only_when_patience_ends(run: Run, tmp_path: Path) -> None:
    """It writes without a buffer: a handler that prints within a flush would end it."""
    child = run(
        "import os, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: os.write(1, b'not yet'))\n"
        "signal.signal(signal.SIGINT, lambda *_: sys.exit(7))\n"
        "os.write(1, b'deaf')\n"
        "while True: time.sleep(60)"
    )

    async def deaf() -> str:
        if not (tmp_path / "log" / "teapot.log").read_text():
            raise StartingUp
        return ""

    await child.until_ready(deaf)
    with pytest.raises(EngineError, match="does not stop"):
        await child.stop((Signals.SIGTERM, 0.2))
    await child.stop((Signals.SIGTERM, 0.2), (Signals.SIGINT, 5.0), (Signals.SIGKILL, 5.0))

    assert await child.wait() == 7


async def test_nothing_of_ours_is_inherited(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGDATA", "/elsewhere")
    await run("import os; print(os.environ.get('PGDATA'), oct(os.umask(0)))").succeed(5.0)
    log = tmp_path / "log" / "teapot.log"

    assert log.read_text().split() == ["None", "0o77"]
    assert log.stat().st_mode & 0o777 == 0o600
    assert log.parent.stat().st_mode & 0o777 == 0o700


async def test_ctrl_c_reaches_it_through_its_supervisor_only(run: Run) -> None:
    child = run("import time; time.sleep(60)")

    assert os.getpgid(child.pid) == child.pid


async def test_a_command_that_fails_or_takes_too_long_is_an_error(run: Run) -> None:
    with pytest.raises(EngineDied, match="code 9"):
        await run("raise SystemExit(9)").succeed(5.0)
    slow = run("import time; time.sleep(60)")
    with pytest.raises(EngineDied, match=r"took over 0.1 s"):
        await slow.succeed(0.1)

    assert slow.exit_code == -Signals.SIGKILL


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
async def test_root_that_cannot_step_down_hears_the_ways_out(tmp_path: Path) -> None:
    """Exit code 127: whom root became cannot reach the binary."""
    launch = Launch(
        name="Teapot", command=("/no/such",), log=tmp_path / "teapot.log", private=tmp_path
    )
    with pytest.raises(EngineError, match=r"^Teapot does not run as root here; start pasar as an"):
        await ChildProcess(launch).succeed(5.0)


async def test_a_worker_thread_may_not_start_one(run: Run) -> None:
    """The death signal would come when the thread ends, not the process."""
    with pytest.raises(RuntimeError, match="worker thread"):
        await asyncio.to_thread(run, "")


async def test_a_log_that_grew_large_is_put_aside(run: Run, tmp_path: Path) -> None:
    log = tmp_path / "log" / "teapot.log"
    log.parent.mkdir()
    log.write_bytes(b"x" * (8 * 1024 * 1024 + 1))
    await run("print('new')").succeed(5.0)

    assert log.read_text() == "new\n"
    assert log.with_suffix(".old.log").exists()
