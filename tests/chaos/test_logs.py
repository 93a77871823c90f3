"""Logs of a run: what died inside a part, and deadlocks, are found; what was killed is not."""

from pathlib import Path

import pytest

from chaos.logs import findings

KILLED = '{"part":"supervisor","name":"web-1","code":-9,"message":"part died"}\n'
DIED = '{"part":"supervisor","name":"worker","code":1,"message":"part died"}\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "store-1.log").write_text(KILLED)
    (tmp_path / "postgres.log").write_text("LOG:  database system is ready\n")
    return tmp_path


def test_a_sound_run_leaves_nothing_to_find(folder: Path) -> None:
    assert findings(folder) == []


def test_h33_a_process_that_died_by_itself_is_found(folder: Path) -> None:
    (folder / "store-2.log").write_text(KILLED + DIED)

    assert findings(folder) == ["store-2: worker ended by itself with code 1"]


def test_h03_a_deadlock_is_found(folder: Path) -> None:
    (folder / "postgres.log").write_text("ERROR:  deadlock detected\n")

    assert findings(folder) == ["postgres: 1 × deadlock detected"]
