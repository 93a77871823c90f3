"""Every broker: what becomes of a message that its handler does not take."""

import asyncio

import pytest

from pasar.kit.backoff import Backoff
from pasar.kit.broker.adapter import AdaptedBroker
from pasar.kit.broker.delivery import Policy
from pasar.kit.broker.port import Depth, Message, Reject, Retry
from pasar.kit.errors import Unavailable
from tests.kit.broker.targets import CHANNEL, EMPTY, Recorder, Target, eventually_depth
from tests.waiting import eventually

QUICK = Policy(requeue=Backoff(first_s=0.01, cap_s=0.02), max_attempts=3)
UNTOUCHED = Policy(touch_every_s=60.0)  # so that time-outs can happen


@pytest.fixture
async def broker(target: Target, topic: str) -> AdaptedBroker:  # noqa: ARG001  declared before use
    return target.connect(QUICK)


async def test_retry_without_delay_comes_again_at_once(broker: AdaptedBroker, topic: str) -> None:
    async def once(message: Message) -> None:
        if message.attempts == 1:
            raise Retry(0)

    handler = Recorder(once)
    await broker.subscribe(topic, CHANNEL, handler, concurrency=1)

    await broker.publish(topic, b"again")
    await handler.got(2, within_s=1)

    first, second = handler.messages
    assert (first.id, first.body, first.published_at) == (
        second.id,
        second.body,
        second.published_at,
    )
    assert [message.attempts for message in handler.messages] == [1, 2]
    await eventually_depth(broker, topic, EMPTY)
    assert broker.counters.requeued == 1


async def test_row_05_retry_after_a_second_waits_a_second(
    broker: AdaptedBroker, topic: str
) -> None:
    """After 1.0 to 1.5 s on an idle machine."""
    loop, times = asyncio.get_running_loop(), []

    async def once(message: Message) -> None:
        times.append(loop.time())
        if message.attempts == 1:
            raise Retry(1.0)

    await broker.subscribe(topic, CHANNEL, once, concurrency=1)
    await broker.publish(topic, b"later")

    await eventually(lambda: len(times) == 1)
    await eventually_depth(broker, topic, Depth(ready=0, in_flight=0, deferred=1, waiting=0))
    await eventually(lambda: len(times) == 2)
    assert 1.0 <= times[1] - times[0] <= 3.0


@pytest.mark.parametrize("delay_s", [-1, 3601])
def test_a_delay_beyond_the_limits_is_refused(delay_s: float) -> None:
    with pytest.raises(ValueError, match="a delay is"):
        Retry(delay_s)


async def test_row_19_h12_an_outage_never_makes_a_dead_letter(
    broker: AdaptedBroker, topic: str, target: Target
) -> None:
    async def away(message: Message) -> None:
        if message.attempts <= QUICK.max_attempts + 2:
            raise Unavailable("database away")

    handler = Recorder(away)
    await broker.subscribe(topic, CHANNEL, handler, concurrency=1)

    await broker.publish(topic, b"patient")
    await handler.got(QUICK.max_attempts + 3)

    await eventually_depth(broker, topic, EMPTY)
    assert target.dead_letters.rows == []


async def test_row_19_a_rejected_message_is_dead_at_once(
    broker: AdaptedBroker, topic: str, target: Target
) -> None:
    async def refuse(_: Message) -> None:
        raise Reject("not JSON")

    handler = Recorder(refuse)
    await broker.subscribe(topic, CHANNEL, handler, concurrency=1)

    await broker.publish(topic, b"poison")
    await eventually(lambda: bool(target.dead_letters.rows))

    await eventually_depth(broker, topic, EMPTY)
    assert [(topic, b"poison", "not JSON", 1)] == target.dead_letters.rows
    assert 1 == broker.counters.dead == len(handler.messages)


async def test_a_message_that_always_fails_is_dead_at_the_last_attempt(
    broker: AdaptedBroker, topic: str, target: Target
) -> None:
    async def fail(_: Message) -> None:
        raise LookupError("order unknown")

    handler = Recorder(fail)
    await broker.subscribe(topic, CHANNEL, handler, concurrency=1)

    await broker.publish(topic, b"stray")
    await eventually(lambda: bool(target.dead_letters.rows))

    await eventually_depth(broker, topic, EMPTY)
    assert [(topic, b"stray", "LookupError('order unknown')", 3)] == target.dead_letters.rows
    assert [message.attempts for message in handler.messages] == [1, 2, 3]


async def test_h12_a_message_is_not_dead_before_its_record_is_kept(
    broker: AdaptedBroker, topic: str, target: Target
) -> None:
    async def refuse(_: Message) -> None:
        raise Reject("not JSON")

    target.dead_letters.faults.append(ConnectionError("database away"))
    await broker.subscribe(topic, CHANNEL, refuse, concurrency=1)

    await broker.publish(topic, b"poison")
    await eventually(lambda: bool(target.dead_letters.rows))

    await eventually_depth(broker, topic, EMPTY)
    assert [(topic, b"poison", "not JSON", 2)] == target.dead_letters.rows


async def test_a_handler_beyond_its_deadline_is_cancelled_and_has_failed(
    target: Target, topic: str
) -> None:
    broker = target.connect(Policy(handler_limit_s=0.1, max_attempts=1))
    ended = asyncio.Event()

    async def hang(_: Message) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    await broker.subscribe(topic, CHANNEL, hang, concurrency=1)
    await broker.publish(topic, b"slow")

    await eventually(lambda: bool(target.dead_letters.rows))
    assert ended.is_set()
    await eventually_depth(broker, topic, EMPTY)


async def test_a_message_not_settled_in_time_comes_again_and_the_late_end_is_void(
    target: Target, topic: str
) -> None:
    broker = target.connect(UNTOUCHED, msg_timeout_s=1.0)
    await broker.declare({topic: [CHANNEL]})
    second_came = asyncio.Event()
    let_second_go = asyncio.Event()

    async def first_is_late(message: Message) -> None:
        if message.attempts == 1:
            await second_came.wait()
        else:
            second_came.set()
            await let_second_go.wait()

    handler = Recorder(first_is_late)
    await broker.subscribe(topic, CHANNEL, handler, concurrency=2)
    await broker.publish(topic, b"slow")

    await eventually(lambda: broker.counters.stale == 1)
    assert [message.attempts for message in handler.messages] == [1, 2]
    assert broker.counters.acknowledged == 0
    let_second_go.set()
    await eventually_depth(broker, topic, EMPTY)
    assert broker.counters.acknowledged == 1


async def test_row_06_a_handler_slower_than_the_time_out_keeps_its_message(
    target: Target, topic: str
) -> None:
    """A time-out of 1 s is the least that nsqd takes."""
    broker = target.connect(Policy(touch_every_s=0.5), msg_timeout_s=1.0)
    await broker.declare({topic: [CHANNEL]})

    async def slow(_: Message) -> None:
        await asyncio.sleep(2.2)

    handler = Recorder(slow)
    await broker.subscribe(topic, CHANNEL, handler, concurrency=2)
    await broker.publish(topic, b"slow")

    await eventually(lambda: broker.counters.acknowledged == 1)
    await eventually_depth(broker, topic, EMPTY)
    assert len(handler.messages) == 1
