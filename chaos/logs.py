"""What only the logs of a run tell: processes that died inside a part, and deadlocks."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from signal import Signals
from typing import Final

_DEADLOCK: Final = "deadlock detected"  # retries hide it from everybody else (hazard H03)


def findings(folder: Path) -> Sequence[str]:
    """Read the logs in the folder and return what should not stand there."""
    return [*_deaths(folder), *_deadlocks(folder)]


def _deaths(folder: Path) -> Iterator[str]:
    """Find what `pasar store` had to start again although nobody killed it."""
    for log in sorted(folder.glob("store-*.log")):
        for line in log.read_text(encoding="utf-8").splitlines():
            if '"part died"' in line:
                died = json.loads(line)
                if died["code"] != -Signals.SIGKILL:
                    yield f"{log.stem}: {died['name']} ended by itself with code {died['code']}"


def _deadlocks(folder: Path) -> Iterator[str]:
    text = (folder / "postgres.log").read_text(encoding="utf-8", errors="replace")
    if count := text.count(_DEADLOCK):
        yield f"postgres: {count} × {_DEADLOCK}"
