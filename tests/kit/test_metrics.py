"""One answer for all processes, whichever counted, and whichever of them died."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from pasar.kit import metrics, metrics_directory

ROUTE = ("GET", "/measured/{id}")
COUNTING = """
import sys
from pasar.kit import metrics
requests = metrics.Requests()
for _ in range(int(sys.argv[1])):
    requests.answered(("GET", "/toys"), 200, 0.002)
metrics.BREAKER_OPEN.labels("redis").set(1)
metrics.OUTBOX_UNSENT.set(int(sys.argv[1]))
"""


def scraped() -> dict[str, float]:
    lines = generate_latest(metrics.registry()).decode().splitlines()
    samples = [line.rpartition(" ") for line in lines if not line.startswith("#")]
    return {name: float(value) for name, _, value in samples}


def counting(requests: int) -> None:
    """In a process of its own, which has ended when this returns."""
    subprocess.run([sys.executable, "-c", COUNTING, str(requests)], check=True)


def test_requests_are_told_by_row_and_status() -> None:
    requests = metrics.Requests()
    requests.answered(ROUTE, 200, 0.002)
    requests.answered(ROUTE, 200, 0.2)
    requests.answered(ROUTE, 404, 0.001)

    told = scraped()
    labels = 'method="GET",route="/measured/{id}",status="200"'
    assert told[f"http_request_seconds_count{{{labels}}}"] == 2
    assert told[f'http_request_seconds_bucket{{le="0.0025",{labels}}}'] == 1
    assert told[f"http_request_seconds_sum{{{labels}}}"] == pytest.approx(0.202)


def test_what_all_processes_counted_is_one_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(metrics_directory.DIRECTORY, str(tmp_path))
    counting(3)
    counting(4)

    told = scraped()
    assert told['http_request_seconds_count{method="GET",route="/toys",status="200"}'] == 7
    assert told["outbox_unsent"] == 4, "the newest word of the one process that knows"


def test_a_dead_process_holds_no_breaker_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(metrics_directory.DIRECTORY, str(tmp_path))
    counting(1)
    [file] = tmp_path.glob("gauge_livesum_*.db")
    living = file.with_name(f"gauge_livesum_{os.getpid()}.db")
    living.write_bytes(file.read_bytes())

    assert scraped()['breaker_open{target="redis"}'] == 1
    assert list(tmp_path.glob("gauge_live*.db")) == [living]
