"""
Serves `/metrics` from the one process of a service that knows the broker, on loopback.

It also looks, every few seconds, at what stands in a table or a queue and so is not counted.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from typing import Final

from prometheus_client import Gauge, start_http_server

from pasar.kit import log, metrics
from pasar.kit.broker.adapter import AdaptedBroker
from pasar.kit.broker.metrics import BrokerCounts
from pasar.kit.broker.port import Topics
from pasar.kit.database import Database
from pasar.kit.errors import Unavailable

UNSENT: Final = "SELECT count(*) AS figure FROM outbox WHERE sent_at IS NULL"
OLDEST_UNSENT: Final = """
SELECT coalesce(extract(epoch FROM now() - min(created_at)), 0) AS figure
FROM outbox WHERE sent_at IS NULL
"""
DEAD: Final = "SELECT count(*) AS figure FROM dead_letters"

_HOST: Final = "127.0.0.1"  # metrics tell much, and nobody has to log in for them
_LOOK_EVERY_S: Final = 5.0  # below the usual scrape interval of 15 s

_log: Final = log.get("metrics")


@dataclass(frozen=True, slots=True)
class Figure:
    """A statement whose one row has the column `figure`, and the gauge that shows it."""

    gauge: Gauge
    sql: str
    args: tuple[object, ...] = ()


_FIGURES: Final = (
    Figure(metrics.OUTBOX_UNSENT, UNSENT),
    Figure(metrics.OUTBOX_OLDEST_SECONDS, OLDEST_UNSENT),
    Figure(metrics.DEAD_LETTERS, DEAD),
)


@asynccontextmanager
async def observed(
    port: int, database: Database, broker: AdaptedBroker, topics: Topics, *more: Figure
) -> AsyncGenerator[None]:
    """
    Answer scrapes on loopback while the block runs; port 0: do nothing.

    A taken port is logged and costs the metrics, never the service.
    """
    if not port:
        yield
        return
    everything = metrics.registry()
    everything.register(BrokerCounts(broker.counters))
    try:
        server, thread = start_http_server(port, _HOST, everything)
    except OSError as fault:
        _log.error("metrics are not served", port=port, reason=str(fault))
        yield
        return
    looking = asyncio.create_task(_look_on(database, broker, topics, (*_FIGURES, *more)))
    try:
        yield
    finally:
        looking.cancel()
        await asyncio.wait([looking])
        await asyncio.to_thread(server.shutdown)
        server.server_close()
        thread.join()


async def _look_on(
    database: Database, broker: AdaptedBroker, topics: Topics, figures: Sequence[Figure]
) -> None:
    while True:
        with suppress(Unavailable):
            for figure in figures:
                row = await database.fetch_one(figure.sql, *figure.args)
                figure.gauge.set(row["figure"] if row else 0)
        with suppress(ConnectionError):
            for topic, channels in topics.items():
                for channel in channels:
                    depth = await broker.depth(topic, channel)
                    for state, messages in asdict(depth).items():
                        metrics.BROKER_DEPTH.labels(topic, channel, state).set(messages)
        await asyncio.sleep(_LOOK_EVERY_S)
