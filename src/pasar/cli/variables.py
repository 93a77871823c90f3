"""Which variables a command goes by, and how it runs: faults become one line and an exit code."""

import asyncio
import os
import sys
from collections.abc import Coroutine, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from pasar.cli.service import CommandFailed
from pasar.cli.supervisor import PartFailed
from pasar.engines.datadir import Run, running
from pasar.engines.errors import EX_CONFIG, EngineError
from pasar.kit import log, settings
from pasar.kit.errors import PasarError, Unavailable
from pasar.kit.settings import BadSetting

DATA_DIR: Final = ".local/data"
DATABASE: Final = ("DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "DB_PASSWORD")

ResultT = TypeVar("ResultT")


def given() -> dict[str, str]:
    """Return the environment over `.env`."""
    return settings.environment(os.environ, Path.cwd())


def log_for_commands() -> None:
    """Log as the command line does until a service says who it is."""
    log.configure("pasar", human=given().get("APP_ENV", "development") == "development")


def running_shop() -> Run | None:
    """Return the `pasar up` that runs on the data directory, or None."""
    return running(data_directory(given()))


def of_the_running_shop() -> dict[str, str]:
    """Return the variables, under them those of the running `pasar up` if its database is meant."""
    own, run = given(), running_shop()
    if run is None or any(own.get(name, value) != value for name, value in login_of(run).items()):
        return own
    return {**run.variables, **own}


def login_of(run: Run) -> dict[str, str | None]:
    return {name: run.variables.get(name) for name in DATABASE}


def data_directory(variables: Mapping[str, str]) -> Path:
    return Path(variables.get("PASAR_DATA_DIR", DATA_DIR))


def run(work: Coroutine[object, object, ResultT]) -> ResultT:
    """Run a command to its end; the expected reasons to stop become one line each."""
    with explained():
        return asyncio.run(work)


@contextmanager
def explained() -> Generator[None]:
    """Exit with 78 for bad configuration, else 1, the reasons on stderr."""
    try:
        yield
    except ExceptionGroup as group:
        if group.split(BadSetting)[1] is not None:
            raise
        _leave(EX_CONFIG, *map(str, group.exceptions))
    except BadSetting as fault:
        _leave(EX_CONFIG, str(fault))
    except (EngineError, PartFailed) as fault:
        _leave(fault.exit_code, str(fault))
    except CommandFailed as fault:
        _leave(fault.exit_code)
    except Unavailable as outage:
        _leave(1, outage.reason)
    except PasarError as fault:
        _leave(1, fault.message)


def _leave(code: int, *reasons: str) -> None:
    for reason in reasons:
        sys.stderr.write(f"pasar: {reason}\n")
    raise SystemExit(code)
