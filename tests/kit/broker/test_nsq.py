"""The NSQ client against real daemons, where the port says nothing: lookupd, restart, leftovers."""

import asyncio
import os
from collections.abc import AsyncIterator
from signal import Signals
from uuid import uuid4

import pytest

from pasar.kit.broker import nsq_http
from pasar.kit.broker.adapter import AdaptedBroker
from pasar.kit.broker.delivery import Policy
from pasar.kit.broker.nsq import NsqAdapter
from pasar.kit.broker.nsq_settings import NsqSettings
from tests.fakes.broker import MemoryDeadLetters
from tests.fixtures.engines import RunningNsq
from tests.kit.broker.targets import CHANNEL, Recorder
from tests.waiting import eventually

pytestmark = pytest.mark.nsq


class Clients:
    def __init__(self) -> None:
        self._open: list[AdaptedBroker] = []

    def __call__(self, adapter: NsqAdapter, policy: Policy | None = None) -> AdaptedBroker:
        broker = AdaptedBroker(adapter, MemoryDeadLetters(), policy or Policy())
        self._open.append(broker)
        return broker

    async def close(self) -> None:
        for broker in self._open:
            await broker.close()


@pytest.fixture
async def client() -> AsyncIterator[Clients]:
    clients = Clients()
    yield clients
    await clients.close()


@pytest.fixture
async def producer(nsq: RunningNsq, client: Clients) -> AdaptedBroker:
    return client(NsqAdapter([nsq.nsqd_tcp]))


@pytest.fixture
def topic() -> str:
    return f"nsq-{uuid4().hex}"


async def test_row_02_a_consumer_finds_nsqd_through_nsqlookupd(
    client: Clients, nsq: RunningNsq, producer: AdaptedBroker, topic: str
) -> None:
    """The first message within a second."""
    await producer.declare({topic: [CHANNEL]})
    await producer.publish(topic, b"found")
    consumer, handler = client(NsqAdapter([], [nsq.lookupd_http])), Recorder()

    await consumer.subscribe(topic, CHANNEL, handler, concurrency=1)

    await handler.got(1, within_s=1.0)


async def test_one_nsqd_under_several_names_is_dialled_once(
    client: Clients, nsq: RunningNsq, producer: AdaptedBroker, topic: str
) -> None:
    await producer.declare({topic: [CHANNEL]})
    await producer.publish(topic, b"x")
    port = nsq.nsqd_tcp.rpartition(":")[2]
    adapter = NsqAdapter([nsq.nsqd_tcp, f"localhost:{port}"], [nsq.lookupd_http] * 2)
    consumer, handler = client(adapter), Recorder()

    await consumer.subscribe(topic, CHANNEL, handler, concurrency=1)
    await handler.got(1)

    assert '"client_count":1,' in await stats_of(nsq, topic)


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.0 200 OK\r\n\r\n[nonsense", b"HTTP/1.0 500 Oops\r\n\r\n{}", b"\0\xff", b""],
    ids=["garbage", "500", "not http", "nothing"],
)
async def test_row_18_a_failing_nsqlookupd_holds_up_nobody(
    client: Clients, nsq: RunningNsq, topic: str, answer: bytes
) -> None:
    """A second one refuses; nsqd itself is known."""

    async def fail(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(fail, "127.0.0.1", 0)
    failing = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    broker = client(NsqAdapter([nsq.nsqd_tcp], ["127.0.0.1:1", failing]))
    handler = Recorder()

    await broker.subscribe(topic, CHANNEL, handler, concurrency=1)
    await broker.publish(topic, b"x")

    await handler.got(1, within_s=1.0)
    server.close()
    await server.wait_closed()


async def test_row_16_after_close_nsqd_sees_no_connection(
    client: Clients, nsq: RunningNsq, topic: str
) -> None:
    """That no task is left is checked after every conformance test."""
    settings = NsqSettings(client_id="leaver")
    adapter = NsqAdapter([nsq.nsqd_tcp], [nsq.lookupd_http], settings=settings)
    broker, handler = client(adapter), Recorder()
    await broker.subscribe(topic, CHANNEL, handler, concurrency=5)
    await broker.publish(topic, b"x")
    await handler.got(1)
    assert (await stats_of(nsq, topic)).count('"client_id":"leaver"') == 2

    await broker.close()

    async with asyncio.timeout(3):
        while '"leaver"' in await stats_of(nsq, topic):
            await asyncio.sleep(0.01)


async def test_row_06_slow_handlers_never_time_out_at_nsqd(
    client: Clients, nsq: RunningNsq, producer: AdaptedBroker, topic: str
) -> None:
    """As nsqd counts it."""
    adapter = NsqAdapter([nsq.nsqd_tcp], settings=NsqSettings(msg_timeout_s=1.0))
    consumer = client(adapter, Policy(touch_every_s=0.5))

    async def slow(_: object) -> None:
        await asyncio.sleep(1.5)

    await consumer.subscribe(topic, CHANNEL, slow, concurrency=1)
    await producer.publish(topic, b"x")
    await eventually(lambda: consumer.counters.acknowledged == 1)

    assert '"timeout_count":0' in await stats_of(nsq, topic)


async def test_row_07_through_nsqlookupd_it_finds_an_nsqd_that_was_killed(
    client: Clients, own_nsq: RunningNsq, topic: str
) -> None:
    """Down for 1 s; the consumer knows nsqlookupd alone."""
    producer = client(NsqAdapter([own_nsq.nsqd_tcp]))
    await producer.publish(topic, b"before")
    consumer, handler = client(NsqAdapter([], [own_nsq.lookupd_http])), Recorder()
    await consumer.subscribe(topic, CHANNEL, handler, concurrency=5)
    await handler.got(1)

    os.kill(own_nsq.nsqd.child.pid, Signals.SIGKILL)
    await own_nsq.nsqd.wait()
    await asyncio.sleep(1)
    await own_nsq.nsqd.start()
    await client(NsqAdapter([own_nsq.nsqd_tcp])).publish(topic, b"after")

    await handler.got(2, within_s=2.5)
    assert handler.bodies == [b"before", b"after"]


async def stats_of(nsq: RunningNsq, topic: str) -> str:
    path = f"/stats?format=json&topic={topic}"
    _, body = await nsq_http._get(nsq.nsqd_http, path, limit_s=2.0)
    return body.decode()
