"""Scraping a process that knows a broker and a database; the broker is the fake."""

import socket
from uuid import uuid4

import httpx
import pytest

from pasar.engines.ports import any_free
from pasar.kit.metrics import ORDERS_PENDING_OVERDUE
from pasar.kit.observer import Figure, observed
from pasar.kit.postgres import PostgresDatabase
from tests.fakes.broker import MemoryBroker
from tests.waiting import eventually

HOST = "127.0.0.1"
TOPICS = {"orders": ["work"]}
ADD = "INSERT INTO outbox (message_id, topic, aggregate_id, payload) VALUES ($1, 'orders', 'x', $2)"


@pytest.fixture
def port() -> int:
    return any_free(HOST)


async def scraped(port: int) -> list[str]:
    async with httpx.AsyncClient() as http:
        return (await http.get(f"http://{HOST}:{port}/metrics")).text.splitlines()


async def test_a_scrape_tells_counts_depths_and_what_stands_in_tables(
    port: int, database: PostgresDatabase
) -> None:
    await database.execute(ADD, uuid4(), {})
    broker = MemoryBroker()
    await broker.declare(TOPICS)
    await broker.publish("orders", b"x")
    overdue = Figure(ORDERS_PENDING_OVERDUE, "SELECT $1::int AS figure", (7,))
    before = database.statements

    async with observed(port, database, broker, TOPICS, overdue):
        await eventually(lambda: database.statements == before + 4)
        told = await scraped(port)

    assert 'broker_published_total{outcome="taken"} 1.0' in told
    assert 'broker_depth{channel="work",state="ready",topic="orders"} 1.0' in told
    assert {"outbox_unsent 1.0", "dead_letters 0.0", "broker_connected 1.0"} <= set(told)
    assert "orders_pending_overdue 7.0" in told
    assert not is_listening(port)


async def test_metrics_may_be_off(database: PostgresDatabase) -> None:
    async with observed(0, database, MemoryBroker(), TOPICS):
        pass
    assert database.statements == 0


async def test_a_taken_port_costs_the_metrics_and_nothing_else(
    database: PostgresDatabase, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server((HOST, 0)) as other:
        taken = other.getsockname()[1]
        async with observed(taken, database, MemoryBroker(), TOPICS):
            pass
    assert "metrics are not served" in capsys.readouterr().out


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0
