"""Every broker: how many handlers run, and what becomes of their messages at the end."""

import asyncio

from pasar.kit.broker.adapter import AdaptedBroker
from pasar.kit.broker.port import Depth, Message
from tests.kit.broker.targets import CHANNEL, EMPTY, Gate, Recorder, Target, eventually_depth
from tests.waiting import eventually

GRACE_S = 10.0


async def test_the_first_message_on_an_empty_broker_takes_at_most_a_second(target: Target) -> None:
    store, payment = target.connect(), target.connect()
    topic, handler = next(target.fresh), Recorder()
    await store.declare({topic: [CHANNEL]})
    await payment.declare({topic: [CHANNEL]})
    await payment.subscribe(topic, CHANNEL, handler, concurrency=10)

    await store.publish(topic, b"first order")

    await handler.got(1, within_s=1.0)


async def test_row_03_no_more_handlers_run_than_asked(broker: AdaptedBroker, topic: str) -> None:
    gate = Gate()
    await broker.publish_many(topic, [b"%d" % number for number in range(100)])
    await broker.subscribe(topic, CHANNEL, gate, concurrency=10)

    await eventually(lambda: gate.inside == 10)
    await eventually_depth(broker, topic, Depth(ready=90, in_flight=10, deferred=0, waiting=0))
    gate.open.set()
    await eventually_depth(broker, topic, EMPTY)

    assert gate.finished == 100
    assert gate.most == 10


async def test_row_04_a_slow_handler_holds_up_nobody_else(
    broker: AdaptedBroker, topic: str
) -> None:
    """On events instead of seconds."""
    quick = Recorder()
    gate = Gate()

    async def handler(message: Message) -> None:
        await (gate if message.body == b"slow" else quick)(message)

    await broker.subscribe(topic, CHANNEL, handler, concurrency=2)
    await broker.publish(topic, b"slow")
    await eventually(lambda: gate.inside == 1)
    await broker.publish_many(topic, [b"quick"] * 20)

    await quick.got(20, within_s=2.3)
    assert gate.inside == 1
    gate.open.set()
    await eventually_depth(broker, topic, EMPTY)


async def test_row_13_stopping_lets_running_handlers_finish(
    target: Target, broker: AdaptedBroker, topic: str
) -> None:
    gate = Gate()
    subscription = await broker.subscribe(topic, CHANNEL, gate, concurrency=5)
    await broker.publish_many(topic, [b"%d" % number for number in range(8)])
    await eventually(lambda: gate.inside == 5)

    stopping = asyncio.create_task(subscription.stop(GRACE_S))
    asyncio.get_running_loop().call_later(0.2, gate.open.set)
    await stopping

    assert (gate.started, gate.finished) == (5, 5)
    assert (broker.counters.acknowledged, broker.counters.requeued) == (5, 0)
    await eventually_depth(
        target.connect(), topic, Depth(ready=3, in_flight=0, deferred=0, waiting=0)
    )


async def test_row_14_what_outlasts_the_grace_goes_to_another_consumer(
    target: Target, broker: AdaptedBroker, topic: str
) -> None:
    gate, other = Gate(), Recorder()
    subscription = await broker.subscribe(topic, CHANNEL, gate, concurrency=5)
    await broker.publish_many(topic, [b"%d" % number for number in range(5)])
    await eventually(lambda: gate.inside == 5)
    await target.connect().subscribe(topic, CHANNEL, other, concurrency=5)

    await subscription.stop(0.05)
    await other.got(5, within_s=1.0)

    assert (gate.inside, gate.finished) == (0, 0)
    assert {2} == {message.attempts for message in other.messages}


async def test_row_15_after_a_pause_no_further_handler_starts(
    target: Target, broker: AdaptedBroker, topic: str
) -> None:
    gate = Gate()
    subscription = await broker.subscribe(topic, CHANNEL, gate, concurrency=3)
    await broker.publish_many(topic, [b"%d" % number for number in range(30)])
    await eventually(lambda: gate.inside == 3)

    await subscription.pause()
    gate.open.set()
    await eventually(lambda: gate.finished == 3)

    await eventually_depth(
        target.connect(), topic, Depth(ready=27, in_flight=0, deferred=0, waiting=0)
    )
    assert gate.started == 3


async def test_stopping_twice_is_stopping_once(broker: AdaptedBroker, topic: str) -> None:
    subscription = await broker.subscribe(topic, CHANNEL, Recorder(), concurrency=3)

    await subscription.stop(GRACE_S)
    await subscription.stop(GRACE_S)
    await broker.close()
