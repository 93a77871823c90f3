"""The background process, on a real outbox and a broker in memory: what it does, how it ends."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from uuid import uuid4

import msgspec
import pytest

from pasar.contracts.events import ORDER_CREATED, PAYMENT_FAILED, PAYMENT_SUCCESS
from pasar.kit.broker.port import Message
from pasar.kit.outbox import Relay
from pasar.kit.periodic import Job, every
from pasar.kit.postgres import PostgresDatabase
from pasar.store_service import worker
from tests.fakes.broker import MemoryBroker
from tests.waiting import eventually

ADD = "INSERT INTO outbox (message_id, topic, aggregate_id, payload) VALUES ($1, $2, 'x', $3)"


def encode(payload: Mapping[str, str]) -> bytes:
    return msgspec.json.encode(payload)


async def never_woken() -> None:
    await asyncio.Event().wait()


class Results:
    """Keeps what it is given, and takes its time until let go."""

    def __init__(self) -> None:
        self.topics: list[str] = []
        self.done = 0
        self.let_go = asyncio.Event()

    async def handle(self, message: Message) -> None:
        self.topics.append(message.topic)
        await self.let_go.wait()
        self.done += 1


@pytest.fixture
def results() -> Results:
    return Results()


@pytest.fixture
async def broker() -> AsyncGenerator[MemoryBroker]:
    opened = MemoryBroker()
    yield opened
    await opened.close()


@asynccontextmanager
async def working(
    database: PostgresDatabase,
    broker: MemoryBroker,
    results: Results,
    listen: Callable[[], Coroutine[object, object, None]] = never_woken,
    jobs: Sequence[Job] = (),
    grace_s: float = 5,
) -> AsyncGenerator[tuple[asyncio.Event, "asyncio.Task[None]"]]:
    relay = Relay(database, broker, encode, batch=10, lease_s=10, poll_s=0.01, backoff_max_s=1)
    stop = asyncio.Event()
    task = asyncio.create_task(
        worker.run(
            broker=broker,
            relay=relay,
            endless=[listen],
            results=results.handle,
            jobs=jobs,
            concurrency=5,
            grace_s=grace_s,
            stop=stop,
        )
    )
    yield stop, task
    stop.set()
    async with asyncio.timeout(5):
        await asyncio.wait([task])


async def test_it_publishes_the_outbox_and_hears_both_results(
    database: PostgresDatabase, broker: MemoryBroker, results: Results
) -> None:
    heard: list[Message] = []

    async def hear(message: Message) -> None:
        heard.append(message)

    results.let_go.set()
    await broker.subscribe(ORDER_CREATED, "payment-service", hear, concurrency=1)
    await database.execute(ADD, uuid4(), ORDER_CREATED, {"order_id": "1"})
    async with working(database, broker, results):
        await broker.publish(PAYMENT_SUCCESS, b"{}")
        await broker.publish(PAYMENT_FAILED, b"{}")
        await eventually(lambda: bool(heard) and results.done == 2)

    assert [message.body for message in heard] == [b'{"order_id":"1"}']
    assert sorted(results.topics) == [PAYMENT_FAILED, PAYMENT_SUCCESS]


async def test_a_result_that_is_being_settled_is_finished_before_the_end(
    database: PostgresDatabase, broker: MemoryBroker, results: Results
) -> None:
    async with working(database, broker, results) as (stop, task):
        await broker.publish(PAYMENT_SUCCESS, b"{}")
        await eventually(lambda: results.topics == [PAYMENT_SUCCESS])
        stop.set()
        await asyncio.sleep(0)
        assert not task.done()
        results.let_go.set()
        await task

    assert results.done == 1


async def test_a_job_is_finished_before_the_end_or_cut_off_after_its_grace(
    database: PostgresDatabase, broker: MemoryBroker, results: Results
) -> None:
    ends: list[str] = []
    begun = asyncio.Event()
    let_go = asyncio.Event()

    async def in_time() -> None:
        await let_go.wait()
        ends.append("finished")

    async def for_ever() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ends.append("cut off")
            raise

    jobs = [Job("patient", every(9), in_time), Job("stuck", every(9), for_ever)]
    async with working(database, broker, results, jobs=jobs, grace_s=0.2) as (stop, task):
        await begun.wait()
        stop.set()
        await asyncio.sleep(0)
        let_go.set()
        await asyncio.wait([task])

    assert ends == ["finished", "cut off"]


async def test_a_part_that_fails_for_good_ends_the_process(
    database: PostgresDatabase, broker: MemoryBroker, results: Results
) -> None:
    async def fail() -> None:
        raise LookupError("a fault of ours")

    async with working(database, broker, results, listen=fail) as (_, task):
        async with asyncio.timeout(5):
            with pytest.raises(ExceptionGroup) as ended:
                await task

    assert ended.group_contains(LookupError)
