"""Every broker: no message is lost with its consumer, no effect with the broker itself."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from uuid import UUID, uuid4

import msgspec
import pytest

from pasar.engines.valkey_login import ValkeyLogin
from pasar.kit.broker.choose import BrokerSettings, connect
from pasar.kit.broker.port import Broker, Message, Retry
from pasar.kit.inbox import first_time
from pasar.kit.outbox import Relay
from pasar.kit.postgres import PostgresDatabase
from tests.fakes.broker import MemoryDeadLetters
from tests.fixtures.counts import Count
from tests.fixtures.engines import RunningNsq
from tests.kit.broker.mortal import MortalServer
from tests.kit.broker.targets import CHANNEL, EMPTY, Recorder, eventually_depth
from tests.waiting import eventually

MESSAGES = 1000
KILLS = 5
TOPIC = "orders"

EFFECTS = """
CREATE TABLE effects (message_id uuid NOT NULL);
GRANT SELECT, INSERT ON effects TO store_app;
"""
ADD = """
INSERT INTO outbox (message_id, topic, aggregate_id, payload)
SELECT id, $1, 'x', jsonb_build_object('message_id', id)
FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, $2)) AS ids
"""
DO = "INSERT INTO effects (message_id) VALUES ($1)"
# What the sender of an event owes: its broker's yes was no promise.
RESEND = """
UPDATE outbox SET sent_at = NULL, next_at = now()
WHERE sent_at IS NOT NULL AND message_id NOT IN (SELECT message_id FROM inbox)
"""
MISSING = "SELECT FROM outbox WHERE message_id NOT IN (SELECT message_id FROM effects) LIMIT 1"
DONE = "SELECT count(*) AS effects, count(DISTINCT message_id) AS messages FROM effects"


@pytest.fixture
def streams_settings(valkey: ValkeyLogin) -> BrokerSettings:
    return BrokerSettings(
        kind="streams",
        redis_host=valkey.host,
        redis_port=valkey.port,
        redis_password=valkey.password,
        client_id="test",
    )


@pytest.fixture
def nsq_settings(nsq: RunningNsq) -> BrokerSettings:
    return BrokerSettings(
        kind="nsq", nsqd_addr=nsq.nsqd_tcp, nsqd_http_addr=nsq.nsqd_http, client_id="test"
    )


@pytest.fixture(params=["streams", pytest.param("nsq", marks=pytest.mark.nsq)])
def settings(request: pytest.FixtureRequest) -> BrokerSettings:
    """Those of production: messages time out after 10 s."""
    found: BrokerSettings = request.getfixturevalue(f"{request.param}_settings")
    return found


async def test_what_a_killed_consumer_held_others_have_within_12_s(
    settings: BrokerSettings,
) -> None:
    topic, other = f"held-{uuid4().hex}", Recorder()
    broker = connect(settings, MemoryDeadLetters())
    await broker.declare({topic: [CHANNEL]})
    await broker.publish_many(topic, [b"1", b"2", b"3", b"4", b"5"])
    holder = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.kit.broker.holder"),
        *(msgspec.json.encode(settings), topic),
        stdout=asyncio.subprocess.PIPE,
    )
    assert holder.stdout is not None
    for _ in range(5):
        assert await holder.stdout.readline() == b"held\n"

    holder.kill()
    await holder.wait()
    await broker.subscribe(topic, CHANNEL, other, concurrency=5)
    await other.got(5, within_s=12)

    assert sorted(other.bodies) == [b"1", b"2", b"3", b"4", b"5"]
    assert {message.attempts for message in other.messages} == {2}
    await eventually_depth(broker, topic, EMPTY)
    await broker.close()


async def test_c05_h09_h10_with_outbox_and_inbox_each_effect_comes_once_through_five_kills(
    server: MortalServer, database: PostgresDatabase, owner: PostgresDatabase, count: Count
) -> None:
    """The broker loses what it holds; what has no effect yet is sent again; a tenth comes twice."""
    await owner.execute(EFFECTS)
    await owner.execute(ADD, TOPIC, MESSAGES)
    broker = server.connect()
    deliveries = 0

    async def handle(message: Message) -> None:
        nonlocal deliveries
        message_id = UUID(msgspec.json.decode(message.body)["message_id"])
        async with database.begin() as tx:
            if await first_time(tx, "test", [message_id]):
                await tx.execute(DO, message_id)
        deliveries += 1
        if deliveries % 10 == 0:
            raise Retry(0)  # committed, but its acknowledgement does not arrive

    def reached(due: int) -> bool:
        return deliveries >= due

    await broker.declare({TOPIC: [CHANNEL]})
    await broker.subscribe(TOPIC, CHANNEL, handle, concurrency=5)
    async with relaying(database, broker):
        for _ in range(KILLS):
            due = deliveries + MESSAGES // (KILLS + 1)
            await eventually(partial(reached, due))
            await server.kill()
            await server.come_back()
            await owner.execute(RESEND)
        await eventually(partial(reached, MESSAGES))
        async with asyncio.timeout(60):
            while await owner.fetch(MISSING):
                await owner.execute(RESEND)
                await asyncio.sleep(1)

    assert await owner.fetch_one(DONE) == {"effects": MESSAGES, "messages": MESSAGES}
    assert deliveries > MESSAGES
    await eventually_depth(broker, TOPIC, EMPTY)
    count("broker kills", KILLS)


@asynccontextmanager
async def relaying(database: PostgresDatabase, broker: Broker) -> AsyncIterator[None]:
    relay = Relay(
        database,
        broker,
        msgspec.json.encode,
        batch=20,
        lease_s=1,
        poll_s=0.05,
        backoff_max_s=0.5,
    )
    running = asyncio.create_task(relay.run())
    yield
    await relay.stop()
    await running
