"""Every broker: what goes in comes out, once per channel, whatever its bytes."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from pasar.kit.broker.adapter import AdaptedBroker
from pasar.kit.broker.port import Depth, Message
from tests.kit.broker.targets import (
    CHANNEL,
    EMPTY,
    Gate,
    Recorder,
    Target,
    eventually_depth,
)

MIB = 1024 * 1024


async def test_a_handled_message_is_gone(broker: AdaptedBroker, topic: str) -> None:
    handler = Recorder()
    await broker.subscribe(topic, CHANNEL, handler, concurrency=1)
    before = datetime.now(UTC)

    await broker.publish(topic, b"hello")
    await handler.got(1)

    await eventually_depth(broker, topic, EMPTY)
    (message,) = handler.messages
    assert (topic, b"hello", 1) == (message.topic, message.body, message.attempts)
    assert abs(message.published_at - before) < timedelta(seconds=5)
    assert (
        broker.counters.published,
        broker.counters.delivered,
        broker.counters.acknowledged,
    ) == (1, 1, 1)


async def test_each_channel_gets_every_message(target: Target) -> None:
    broker, topic = target.connect(), next(target.fresh)
    await broker.declare({topic: ["mail", "stock"]})
    mail, stock = Recorder(), Recorder()
    await broker.subscribe(topic, "mail", mail, concurrency=3)
    await broker.subscribe(topic, "stock", stock, concurrency=3)

    await broker.publish_many(topic, [b"1", b"2", b"3"])
    await mail.got(3)
    await stock.got(3)

    assert [b"1", b"2", b"3"] == sorted(mail.bodies) == sorted(stock.bodies)


async def test_subscribers_of_one_channel_share_its_messages(target: Target, topic: str) -> None:
    handlers = [Recorder(), Recorder()]
    meeting = asyncio.Barrier(2)  # passed only if both get one
    for handler in handlers:
        handler.then = lambda message: _meet(meeting, message)
        await target.connect().subscribe(topic, CHANNEL, handler, concurrency=1)

    await target.connect().publish_many(topic, [b"1", b"2"])
    for handler in handlers:
        await handler.got(1)

    assert sorted(handlers[0].bodies + handlers[1].bodies) == [b"1", b"2"]


async def _meet(meeting: asyncio.Barrier, _: Message) -> None:
    await meeting.wait()


async def test_what_comes_before_any_channel_waits_for_the_first(target: Target) -> None:
    broker, topic, handler = target.connect(), next(target.fresh), Recorder()
    await broker.publish(topic, b"early")
    assert await broker.depth(topic, CHANNEL) == Depth(ready=0, in_flight=0, deferred=0, waiting=1)

    await broker.subscribe(topic, CHANNEL, handler, concurrency=1)
    await handler.got(1)

    assert handler.bodies == [b"early"]


async def test_declaring_twice_changes_nothing(broker: AdaptedBroker, topic: str) -> None:
    await broker.publish(topic, b"kept")

    await broker.declare({topic: [CHANNEL]})

    await eventually_depth(broker, topic, Depth(ready=1, in_flight=0, deferred=0, waiting=0))


async def test_a_topic_may_be_one_letter(target: Target) -> None:
    broker, handler = target.connect(), Recorder()
    await broker.subscribe("t", "c", handler, concurrency=1)

    await broker.publish("t", b"x")
    await handler.got(1)


@pytest.mark.parametrize(
    "body",
    [b"\0", b"a\r\nb\n", b"\xff\xfe\x80", b"x" * MIB],
    ids=["nul", "lines", "not utf-8", "1 MiB"],
)
async def test_bodies_are_bytes(broker: AdaptedBroker, topic: str, body: bytes) -> None:
    handler = Recorder()
    await broker.subscribe(topic, CHANNEL, handler, concurrency=1)

    await broker.publish(topic, body)
    await handler.got(1)

    assert [body] == handler.bodies


async def test_a_batch_arrives_whole(broker: AdaptedBroker, topic: str) -> None:
    handler = Recorder()
    bodies = [b"%03d" % number for number in range(1000)]
    await broker.subscribe(topic, CHANNEL, handler, concurrency=50)

    await broker.publish_many(topic, bodies)
    await handler.got(1000)

    assert bodies == sorted(handler.bodies)
    assert broker.counters.published == 1000


@pytest.mark.parametrize(
    "bodies",
    [[], [b""], [b"x" * (MIB + 1)], [b"x"] * 1001, [b"x" * MIB] * 5],
    ids=["none", "empty", "too long", "too many", "too many bytes"],
)
async def test_bodies_beyond_the_limits_are_refused(target: Target, bodies: list[bytes]) -> None:
    with pytest.raises(ValueError, match=r"a (batch|body) has"):
        await target.connect().publish_many("anything", bodies)


@pytest.mark.parametrize("name", ["", "x" * 65, "a b", "käse", "a:b", "a\n"])
async def test_names_beyond_the_limits_are_refused(target: Target, name: str) -> None:
    broker = target.connect()
    with pytest.raises(ValueError, match="topics and channels"):
        await broker.publish(name, b"x")
    with pytest.raises(ValueError, match="topics and channels"):
        await broker.subscribe("t", name, Recorder(), concurrency=1)
    with pytest.raises(ValueError, match="topics and channels"):
        await broker.declare({"t": [name]})


async def test_the_depth_says_where_messages_are(broker: AdaptedBroker, topic: str) -> None:
    gate = Gate()
    await broker.publish_many(topic, [b"1", b"2", b"3"])
    await broker.subscribe(topic, CHANNEL, gate, concurrency=1)

    await eventually_depth(broker, topic, Depth(ready=2, in_flight=1, deferred=0, waiting=0))

    gate.open.set()
    await eventually_depth(broker, topic, EMPTY)
