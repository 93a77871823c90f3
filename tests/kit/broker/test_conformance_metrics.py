"""Every broker: its counts, from both sides, add up to what was published."""

from pasar.kit.broker.adapter import AdaptedBroker
from pasar.kit.broker.port import Depth, Message, Reject, Retry
from tests.kit.broker.targets import CHANNEL, Gate, eventually_depth
from tests.waiting import eventually


async def test_depth_and_counters_account_for_every_message(
    broker: AdaptedBroker, topic: str
) -> None:
    gate = Gate()

    async def handler(message: Message) -> None:
        match message.body:
            case b"held":
                await gate(message)
            case b"later":
                raise Retry(60)
            case b"refused":
                raise Reject("of no use")

    bodies = [b"done"] * 4 + [b"later"] * 3 + [b"refused"] * 2 + [b"held"] * 2
    await broker.publish_many(topic, bodies)
    await broker.subscribe(topic, CHANNEL, handler, concurrency=3)

    await eventually_depth(broker, topic, Depth(ready=0, in_flight=2, deferred=3, waiting=0))
    counters = broker.counters
    assert (counters.published, counters.delivered) == (11, 11)
    assert (counters.acknowledged, counters.dead, counters.requeued) == (6, 2, 3)
    gate.open.set()
    await eventually_depth(broker, topic, Depth(ready=0, in_flight=0, deferred=3, waiting=0))
    await eventually(lambda: counters.acknowledged == 8)
    assert (counters.stale, counters.reconnects) == (0, 0)
