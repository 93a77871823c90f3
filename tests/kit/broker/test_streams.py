"""The Streams adapter where the port says nothing: what stays on the server, and its restart."""

import os
from collections.abc import AsyncIterator
from signal import Signals
from uuid import uuid4

import pytest

from pasar.engines.valkey import Valkey
from pasar.engines.valkey_login import ValkeyLogin
from pasar.kit.backoff import Backoff
from pasar.kit.broker.adapter import AdaptedBroker
from pasar.kit.broker.delivery import Policy
from pasar.kit.broker.port import PublishUnknown
from pasar.kit.broker.streams import StreamsAdapter
from pasar.kit.broker.streams_consumer import StreamsSettings
from pasar.kit.redis import Redis
from tests.fakes.broker import MemoryDeadLetters
from tests.fixtures.redis import settings_of
from tests.kit.broker.targets import CHANNEL, Recorder, eventually

SETTINGS = StreamsSettings(
    block_s=0.1, declare_every_s=0.2, reconnect=Backoff(first_s=0.05, cap_s=0.5)
)


def client(server: ValkeyLogin) -> AdaptedBroker:
    adapter = StreamsAdapter(settings_of(server), "test", SETTINGS)
    return AdaptedBroker(adapter, MemoryDeadLetters(), Policy())


@pytest.fixture
async def broker(valkey: ValkeyLogin) -> AsyncIterator[AdaptedBroker]:
    broker = client(valkey)
    yield broker
    await broker.close()


async def test_acknowledged_messages_leave_nothing_but_the_empty_stream(
    broker: AdaptedBroker, redis: Redis
) -> None:
    topic, handler = f"streams-{uuid4().hex}", Recorder()
    await broker.publish_many(topic, [b"early"] * 3)
    await broker.subscribe(topic, CHANNEL, handler, concurrency=5)
    await handler.got(3)
    await eventually(lambda: broker.counters.acknowledged == 3)

    prefix = f"pasar:mq:{{{topic}}}:"
    keys = {key async for key in redis.scan_iter(match=f"{prefix}*")}
    assert {f"{prefix}channels".encode(), f"{prefix}stream:{CHANNEL}".encode()} == keys
    assert await redis.xlen(f"{prefix}stream:{CHANNEL}") == 0


async def test_after_a_restart_of_the_server_consuming_goes_on(own_valkey: Valkey) -> None:
    """It comes back empty, so streams and groups are made anew, those of others too."""
    broker, handler = client(own_valkey.login), Recorder()
    await broker.declare({"orders": [CHANNEL], "other": ["declared-only"]})
    await broker.subscribe("orders", CHANNEL, handler, concurrency=5)
    await broker.publish("orders", b"before")
    await handler.got(1)

    os.kill(own_valkey.child.pid, Signals.SIGKILL)
    await own_valkey.wait()
    with pytest.raises(PublishUnknown):
        await broker.publish("orders", b"lost")
    await eventually(lambda: not broker.counters.connected)
    await own_valkey.start()

    await eventually(lambda: broker.counters.connected, within_s=2.5)
    await broker.publish("orders", b"after")
    await handler.got(2, within_s=2.5)
    await broker.publish("other", b"kept")
    assert (await broker.depth("other", "declared-only")).ready == 1
    assert handler.bodies == [b"before", b"after"]
    await broker.close()
