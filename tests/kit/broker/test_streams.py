"""The Streams adapter where the port says nothing: what stays on the server."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from pasar.engines.valkey_login import ValkeyLogin
from pasar.kit.broker.adapter import AdaptedBroker
from pasar.kit.broker.delivery import Policy
from pasar.kit.broker.streams import StreamsAdapter
from pasar.kit.redis import Redis
from tests.fakes.broker import MemoryDeadLetters
from tests.fixtures.redis import settings_of
from tests.kit.broker.targets import CHANNEL, Recorder
from tests.waiting import eventually


@pytest.fixture
async def broker(valkey: ValkeyLogin) -> AsyncIterator[AdaptedBroker]:
    adapter = StreamsAdapter(settings_of(valkey), "test")
    broker = AdaptedBroker(adapter, MemoryDeadLetters(), Policy())
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
