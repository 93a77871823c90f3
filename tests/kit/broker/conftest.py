"""The three targets of the conformance suite, each on its own topics."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
from pathlib import Path
from uuid import uuid4

import pytest

from pasar.engines.valkey import Valkey
from pasar.engines.valkey_login import ValkeyLogin
from pasar.kit.broker.adapter import AdaptedBroker, Adapter
from pasar.kit.broker.delivery import Policy
from pasar.kit.broker.nsq import NsqAdapter
from pasar.kit.broker.nsq_settings import NsqSettings
from pasar.kit.broker.streams import StreamsAdapter
from pasar.kit.broker.streams_consumer import StreamsSettings
from tests.fakes.broker import MemoryBroker, MemoryDeadLetters, Queues
from tests.fixtures.engines import RunningNsq, run, start_nsq
from tests.fixtures.redis import settings_of
from tests.kit.broker.mortal import MortalServer, Patience
from tests.kit.broker.targets import CHANNEL, EMPTY, Target, eventually_depth

AGED_TOPICS = 60
NSQD_NOTICES_AFTER_S = 5.2


@pytest.fixture(scope="session")
def aged_topics(nsq: RunningNsq) -> Iterator[str]:
    """Topics whose channels nsqd has already noticed; the first one asked for waits for that."""
    run_id = uuid4().hex[:8]
    topics = [f"aged-{run_id}-{number}" for number in range(AGED_TOPICS)]
    declared_at = run(declared(nsq, topics))

    def when_aged() -> Iterator[str]:
        for topic in topics:
            time.sleep(max(0.0, declared_at + NSQD_NOTICES_AFTER_S - time.monotonic()))
            yield topic

    return when_aged()


async def declared(nsq: RunningNsq, topics: list[str]) -> float:
    adapter = NsqAdapter([nsq.nsqd_tcp])
    await adapter.declare({topic: [CHANNEL] for topic in topics})
    await adapter.publish("anything", [b"returns after the table is declared"])
    await adapter.close()
    return time.monotonic()


def fresh_topics() -> Iterator[str]:
    run_id = uuid4().hex
    return (f"fresh-{run_id}-{number}" for number in count())


@pytest.fixture
def fake_target() -> Target:
    queues: dict[float, Queues] = {}

    def make(
        dead_letters: MemoryDeadLetters, policy: Policy, msg_timeout_s: float
    ) -> AdaptedBroker:
        shared = queues.setdefault(msg_timeout_s, Queues(msg_timeout_s))
        return MemoryBroker(dead_letters, policy, shared)

    return Target(make, aged=fresh_topics(), fresh=fresh_topics())


@pytest.fixture
def streams_target(valkey: ValkeyLogin) -> Target:
    def make(
        dead_letters: MemoryDeadLetters, policy: Policy, msg_timeout_s: float
    ) -> AdaptedBroker:
        # A short block only makes stopping quick.
        settings = StreamsSettings(msg_timeout_s=msg_timeout_s, block_s=0.1)
        return AdaptedBroker(
            StreamsAdapter(settings_of(valkey), "test", settings), dead_letters, policy
        )

    return Target(make, aged=fresh_topics(), fresh=fresh_topics())


@pytest.fixture
def nsq_target(nsq: RunningNsq, aged_topics: Iterator[str]) -> Target:
    def make(
        dead_letters: MemoryDeadLetters, policy: Policy, msg_timeout_s: float
    ) -> AdaptedBroker:
        adapter = NsqAdapter(
            [nsq.nsqd_tcp], [], [nsq.nsqd_http], NsqSettings(msg_timeout_s=msg_timeout_s)
        )
        return AdaptedBroker(adapter, dead_letters, policy)

    return Target(make, aged=aged_topics, fresh=fresh_topics())


@pytest.fixture
def own_nsq(nsq_binaries: Path, tmp_path: Path) -> Iterator[RunningNsq]:
    """nsqd with its default flags, on purpose: killed, it loses whatever it was told."""
    engines = start_nsq(nsq_binaries, tmp_path)
    yield engines
    run(engines.nsqd.stop())
    run(engines.nsqlookupd.stop())


@pytest.fixture
def mortal_streams(own_valkey: Valkey) -> MortalServer:
    def adapter(patience: Patience) -> Adapter:
        settings = StreamsSettings(
            block_s=0.1,
            declare_every_s=0.2,
            reply_limit_s=patience.silence_s,
            reconnect=patience.reconnect,
        )
        return StreamsAdapter(settings_of(own_valkey.login), "test", settings)

    return MortalServer(own_valkey, adapter)


@pytest.fixture
def mortal_nsq(own_nsq: RunningNsq) -> MortalServer:
    def adapter(patience: Patience) -> Adapter:
        settings = NsqSettings(heartbeat_s=patience.silence_s / 2, reconnect=patience.reconnect)
        return NsqAdapter([own_nsq.nsqd_tcp], [], [own_nsq.nsqd_http], settings)

    return MortalServer(own_nsq.nsqd, adapter)


@pytest.fixture
def mortal_lookup(own_nsq: RunningNsq) -> MortalServer:
    """As `mortal_nsq`, but consumers know nsqlookupd alone."""

    def adapter(patience: Patience) -> Adapter:
        settings = NsqSettings(heartbeat_s=patience.silence_s / 2, reconnect=patience.reconnect)
        return NsqAdapter([], [own_nsq.lookupd_http], [own_nsq.nsqd_http], settings)

    return MortalServer(own_nsq.nsqd, adapter)


@pytest.fixture(params=["streams", pytest.param("nsq", marks=pytest.mark.nsq)])
def mortal(request: pytest.FixtureRequest) -> MortalServer:
    """Not async: starting an engine runs a loop of its own."""
    found: MortalServer = request.getfixturevalue(f"mortal_{request.param}")
    return found


@pytest.fixture
async def server(mortal: MortalServer) -> AsyncIterator[MortalServer]:
    async with mortal.clients:
        yield mortal


@pytest.fixture(params=["fake", "streams", pytest.param("nsq", marks=pytest.mark.nsq)])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def target_of_kind(kind: str, request: pytest.FixtureRequest) -> Target:
    """Not async: starting an engine runs a loop of its own."""
    found: Target = request.getfixturevalue(f"{kind}_target")
    return found


@pytest.fixture
async def target(target_of_kind: Target, no_task_left: Callable[[], None]) -> AsyncIterator[Target]:
    yield target_of_kind
    for broker in target_of_kind.brokers:
        await broker.close()
    no_task_left()


@pytest.fixture
async def no_task_left() -> Callable[[], None]:
    before = asyncio.all_tasks()

    def check() -> None:
        assert asyncio.all_tasks() - before == {asyncio.current_task()} - before

    return check


@pytest.fixture
async def topic(target: Target) -> AsyncIterator[str]:
    """A topic whose channel delays and times out exactly; nothing is in flight when a test ends."""
    topic = next(target.aged)
    observer = target.connect()
    await observer.declare({topic: [CHANNEL]})
    yield topic
    for broker in target.brokers:
        if broker is not observer:
            await broker.close()
    left = await observer.depth(topic, CHANNEL)
    if left.in_flight:
        await eventually_depth(observer, topic, EMPTY)


@pytest.fixture
async def broker(target: Target, topic: str) -> AdaptedBroker:  # noqa: ARG001  declared before use
    return target.connect()
