"""
What `/metrics` tells: every metric of the shop, and how its processes give one answer.

The one process-wide state beside the log, and for the same reason: everybody writes, nobody reads.
Under `pasar store` each process counts in files of one directory, which `kit/observer.py` adds up.
"""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, values
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from pasar.kit.metrics_directory import DIRECTORY

# No process of ours forks: its number is asked for once, not at each count, which costs a product
# page 3 %.
if DIRECTORY in os.environ:
    values.ValueClass = values.MultiProcessValue(partial(int, os.getpid()))  # type: ignore[no-untyped-call]

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_OF_ALL: Final = "livesum"  # over the processes that live
_OF_ONE: Final = "mostrecent"  # one process knows it; after its restart the new one

HTTP_REQUESTS: Final = Histogram(
    "http_request_seconds",
    "time to answer, by method, route and status; its count is the number of requests",
    ["method", "route", "status"],
    buckets=_SECONDS,
    registry=None,
)
EVENTS_FORGED: Final = Counter(
    "events_forged", "messages without a valid signature; alert", registry=None
)
EVENTS_IGNORED: Final = Counter(
    "events_ignored", "messages that came again or too late to change anything", registry=None
)
PAYMENT_CONTRADICTIONS: Final = Counter(
    "payment_contradictions", "refusals for orders that were paid; alert", registry=None
)
ORDERS_PENDING_OVERDUE: Final = Gauge(
    "orders_pending_overdue",
    "orders that wait for their payment longer than they may; alert",
    registry=None,
    multiprocess_mode=_OF_ONE,
)
OUTBOX_UNSENT: Final = Gauge(
    "outbox_unsent", "events not sent yet", registry=None, multiprocess_mode=_OF_ONE
)
OUTBOX_OLDEST_SECONDS: Final = Gauge(
    "outbox_oldest_seconds",
    "age of the oldest of them; alert above 60",
    registry=None,
    multiprocess_mode=_OF_ONE,
)
DEAD_LETTERS: Final = Gauge(
    "dead_letters",
    "messages nobody could handle; alert when it grows",
    registry=None,
    multiprocess_mode=_OF_ONE,
)
BROKER_DEPTH: Final = Gauge(
    "broker_depth",
    "messages by topic, channel and state: ready, in_flight, deferred, waiting",
    ["topic", "channel", "state"],
    registry=None,
    multiprocess_mode=_OF_ONE,
)
BREAKER_OPEN: Final = Gauge(
    "breaker_open",
    "processes that leave the target alone for a while; alert when it stays",
    ["target"],
    registry=None,
    multiprocess_mode=_OF_ALL,
)
DB_CONNECTIONS_IN_USE: Final = Gauge(
    "db_connections_in_use",
    "connections lent to a request or job at this moment",
    registry=None,
    multiprocess_mode=_OF_ALL,
)

ALL: Final[tuple[Collector, ...]] = (
    HTTP_REQUESTS,
    EVENTS_FORGED,
    EVENTS_IGNORED,
    PAYMENT_CONTRADICTIONS,
    ORDERS_PENDING_OVERDUE,
    OUTBOX_UNSENT,
    OUTBOX_OLDEST_SECONDS,
    DEAD_LETTERS,
    BROKER_DEPTH,
    BREAKER_OPEN,
    DB_CONNECTIONS_IN_USE,
)


class Requests:
    """
    Times requests; keeps the children of its histogram, whose lookup costs 1 of 2.6 µs.

    There are as many as routes times their statuses: a route is a row's path, never a client's.
    """

    def __init__(self) -> None:
        self._children: dict[tuple[tuple[str, str], int], Histogram] = {}

    def answered(self, route: tuple[str, str], status: int, took_s: float) -> None:
        """Note one answer; `route` is the row's method and path."""
        child = self._children.get((route, status))
        if child is None:
            child = self._children[route, status] = HTTP_REQUESTS.labels(*route, status)
        child.observe(took_s)


def registry() -> CollectorRegistry:
    """Return what a scrape tells: of all processes, where they share a directory, or of this."""
    everything = CollectorRegistry()
    if directory := os.environ.get(DIRECTORY):
        everything.register(_Processes(directory))
    else:
        for metric in ALL:
            everything.register(metric)
    return everything


class _Processes(Collector):
    """Adds up what all processes counted; forgets the gauges of those that died."""

    def __init__(self, directory: str) -> None:
        self._directory = Path(directory)
        self._files = MultiProcessCollector(None, directory)  # type: ignore[no-untyped-call]  # theirs

    def collect(self) -> Iterator[Metric]:
        for file in self._directory.glob("gauge_live*.db"):
            if not _lives(int(file.stem.rpartition("_")[2])):
                file.unlink(missing_ok=True)
        yield from self._files.collect()  # type: ignore[no-untyped-call]  # theirs


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
