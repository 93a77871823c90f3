"""What can keep an engine from running, as one sentence for the terminal and an exit code."""

from typing import ClassVar, Final

EX_CONFIG: Final = 78  # sysexits.h: something is wrong with the configuration


class EngineError(Exception):
    """The configuration or the machine does not allow it; `str()` is one sentence."""

    exit_code: ClassVar[int] = EX_CONFIG


class AlreadyRunning(EngineError):
    """Another `pasar up` holds this data directory."""

    exit_code = 1


class EngineDied(EngineError):
    """An engine ended by itself before it was ready; its last log line is in the sentence."""

    exit_code = 1


class StartingUp(Exception):
    """The server is there but not ready yet; ask again."""


class Refused(Exception):
    """The server is not usable; `str()` completes the sentence "localhost:5432 …"."""
