"""
The data directory: one `pasar up` at a time, its secrets, and where the others find it.

The engines put their own folders beside these files; logs are in `log/`.
"""

import fcntl
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pasar.engines.errors import AlreadyRunning, EngineError


def _generated() -> str:
    return secrets.token_hex(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What `pasar up` made up for this directory: 32 random bytes each, in hexadecimal."""

    postgres_owner_password: str = field(default_factory=_generated, repr=False)
    postgres_password: str = field(default_factory=_generated, repr=False)
    valkey_password: str = field(default_factory=_generated, repr=False)
    payment_service_token: str = field(default_factory=_generated, repr=False)
    event_signing_key: str = field(default_factory=_generated, repr=False)
    jwt_secret: str = field(default_factory=_generated, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The running `pasar up`: its pid, the variables its services got, the URLs it printed."""

    pid: int
    variables: Mapping[str, str] = field(repr=False)
    urls: Mapping[str, str]


class DataDirectory:
    """Held by one `pasar up`; opening makes what is missing, closing lets the next one in."""

    def __init__(self, path: Path) -> None:
        """
        Take the directory.

        Raises:
            AlreadyRunning: another process holds it; the sentence has its pid and URLs.
            EngineError: it cannot be made or written.
        """
        self.path = path.resolve()
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(self.path / "LOCK", os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as fault:
            raise EngineError(f"data directory {self.path}: {fault.strerror}") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise AlreadyRunning(_who_runs(self.path)) from None
        os.truncate(self._lock, 0)
        os.write(self._lock, str(os.getpid()).encode())
        self.secrets = _read_or_make_secrets(self.path / "secrets.json")

    def log(self, engine: str) -> Path:
        """Return the engine's log file; it may not exist yet."""
        return self.path / "log" / f"{engine}.log"

    def announce(self, variables: Mapping[str, str], urls: Mapping[str, str]) -> None:
        """Write `run.json`, by which `pasar verify` and others find this run's engines."""
        run = {"pid": os.getpid(), "variables": dict(variables), "urls": dict(urls)}
        write_private(self.path / "run.json", json.dumps(run, indent=2))

    def close(self) -> None:
        """Forget the run and let the next one in."""
        (self.path / "run.json").unlink(missing_ok=True)
        os.close(self._lock)


def shared_secrets(path: Path) -> Secrets:
    """Return the directory's secrets without taking it: for a service run alone."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return _read_or_make_secrets(path / "secrets.json")


def running(path: Path) -> Run | None:
    """Return the run that holds the directory, or None; a file left by a dead one is ignored."""
    try:
        said = json.loads((path / "run.json").read_text(encoding="utf-8"))
        run = Run(pid=said["pid"], variables=said["variables"], urls=said["urls"])
        os.kill(run.pid, 0)
    except PermissionError:
        return None  # another user's
    except (FileNotFoundError, ProcessLookupError):
        return None
    return run


def write_private(file: Path, text: str) -> None:
    """Replace the file by one that only its owner may read, at once or not at all."""
    draft = file.with_name(f"{file.name}.tmp")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(file)


def _read_or_make_secrets(file: Path) -> Secrets:
    known: dict[str, str] = {}
    if file.exists():
        known = json.loads(file.read_text(encoding="utf-8"))
    found = Secrets(**known)
    if asdict(found) != known:
        write_private(file, json.dumps(asdict(found), indent=2))
    return found


def _who_runs(path: Path) -> str:
    pid = (path / "LOCK").read_text(encoding="ascii")
    run = running(path)
    urls = ", ".join(f"{name} {url}" for name, url in run.urls.items()) if run else "starting"
    return f"pasar up already runs on {path} (pid {pid}): {urls}"
