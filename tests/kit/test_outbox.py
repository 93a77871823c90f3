"""The relay against a real outbox; the broker is the fake, whose next publishes can be failed."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from uuid import uuid4

import msgspec
import pytest

from pasar.kit.broker.port import PublishFailed, PublishUnknown
from pasar.kit.database import Queries, Row
from pasar.kit.errors import Unavailable
from pasar.kit.outbox import CLAIM, SENT, Relay
from pasar.kit.postgres import PostgresDatabase
from tests.fakes.broker import MemoryBroker, Queues
from tests.waiting import eventually

ADD = "INSERT INTO outbox (message_id, topic, aggregate_id, payload) VALUES ($1, $2, 'x', $3)"
UNSENT = "SELECT count(*) AS n FROM outbox WHERE sent_at IS NULL"
NEVER_S = 60.0


class SlowBroker(MemoryBroker):
    """Takes nothing until it is let go."""

    def __init__(self, queues: Queues) -> None:
        super().__init__(queues=queues)
        self.asked = asyncio.Event()
        self.let_go = asyncio.Event()

    async def publish_many(self, topic: str, bodies: Sequence[bytes]) -> None:
        self.asked.set()
        await self.let_go.wait()
        await super().publish_many(topic, bodies)


class AbsentAtFirst(PostgresDatabase):
    """Unavailable for the first look."""

    def __init__(self, real: PostgresDatabase) -> None:
        super().__init__(real._pool)
        self.looks = 0

    async def fetch(self, sql: str, *args: object) -> Sequence[Row]:
        self.looks += 1
        if self.looks == 1:
            raise Unavailable
        return await super().fetch(sql, *args)


class BusyMeanwhile(PostgresDatabase):
    """Another transaction leaves an event between the first look and its answer."""

    def __init__(self, real: PostgresDatabase, meanwhile: Callable[[], Awaitable[None]]) -> None:
        super().__init__(real._pool)
        self._meanwhile: Callable[[], Awaitable[None]] | None = meanwhile

    async def fetch(self, sql: str, *args: object) -> Sequence[Row]:
        rows = await super().fetch(sql, *args)
        if self._meanwhile is not None:
            meanwhile, self._meanwhile = self._meanwhile, None
            await meanwhile()
        return rows


@pytest.fixture
def queues() -> Queues:
    return Queues()


@pytest.fixture
def broker(queues: Queues) -> MemoryBroker:
    return MemoryBroker(queues=queues)


def seal(payload: Mapping[str, str]) -> bytes:
    return msgspec.json.encode({**payload, "signature": "s"})


def relay_of(
    database: PostgresDatabase,
    broker: MemoryBroker,
    *,
    batch: int = 10,
    lease_s: float = NEVER_S,
    poll_s: float = NEVER_S,
    gather_s: float = 0,
) -> Relay:
    return Relay(
        database,
        broker,
        seal,
        batch=batch,
        lease_s=lease_s,
        poll_s=poll_s,
        backoff_max_s=0.2,
        gather_s=gather_s,
    )


@asynccontextmanager
async def running(*relays: Relay) -> AsyncGenerator[None]:
    tasks = [asyncio.create_task(relay.run()) for relay in relays]
    try:
        yield
    finally:
        async with asyncio.timeout(10):
            for relay in relays:
                await relay.stop()
            await asyncio.gather(*tasks)


async def add(tx: Queries, name: str, topic: str = "order.created") -> None:
    await tx.execute(ADD, uuid4(), topic, {"name": name})


async def all_sent(database: PostgresDatabase) -> bool:
    return await database.fetch_one(UNSENT) == {"n": 0}


async def is_sent(database: PostgresDatabase) -> bool:
    return bool(await database.fetch("SELECT FROM outbox WHERE sent_at IS NOT NULL"))


def arrived(queues: Queues, topic: str = "order.created") -> list[str]:
    return [msgspec.json.decode(message.body)["name"] for message in queues.backlog[topic]]


async def test_h08_what_committed_is_sent_sealed_and_what_rolled_back_is_not(
    database: PostgresDatabase, broker: MemoryBroker, queues: Queues
) -> None:
    async def add_then_fail() -> None:
        async with database.begin() as tx:
            await add(tx, "rolled back")
            raise ZeroDivisionError

    async with database.begin() as tx:
        await add(tx, "committed")
    with pytest.raises(ZeroDivisionError):
        await add_then_fail()
    async with running(relay_of(database, broker)):
        await eventually(lambda: all_sent(database))

    [message] = queues.backlog["order.created"]
    assert message.body == b'{"name":"committed","signature":"s"}'


async def test_events_go_to_their_topics_oldest_first(
    payment_database: PostgresDatabase, broker: MemoryBroker, queues: Queues
) -> None:
    for name in "abcdefg":
        topic = "payment.failed" if name in "bf" else "payment.success"
        await add(payment_database, name, topic)
    async with running(relay_of(payment_database, broker, batch=3)):
        await eventually(lambda: all_sent(payment_database))

    assert arrived(queues, "payment.success") == ["a", "c", "d", "e", "g"]
    assert arrived(queues, "payment.failed") == ["b", "f"]


async def test_a_batch_costs_two_statements(
    database: PostgresDatabase, owner: PostgresDatabase, broker: MemoryBroker
) -> None:
    for number in range(5):
        await add(owner, str(number))
    before = database.statements
    async with running(relay_of(database, broker)):
        await eventually(lambda: all_sent(owner))

    assert database.statements - before == 2


@pytest.mark.parametrize(("sql", "values"), [(CLAIM, (10, NEVER_S)), (SENT, ([1],))])
async def test_lease_and_mark_wait_for_no_disk_and_what_follows_does(
    owner: PostgresDatabase, sql: str, values: tuple[object, ...]
) -> None:
    await owner.execute("SET synchronous_commit = on")  # the tests' server has it off
    await add(owner, "a")
    async with owner.begin() as tx:
        await tx.fetch(sql, *values)
        assert await tx.fetch_one("SHOW synchronous_commit") == {"synchronous_commit": "off"}

    assert await owner.fetch_one("SHOW synchronous_commit") == {"synchronous_commit": "on"}


async def test_a_wake_up_makes_it_look_at_once(
    database: PostgresDatabase, owner: PostgresDatabase, broker: MemoryBroker
) -> None:
    relay = relay_of(database, broker, poll_s=NEVER_S)
    async with running(relay):
        await eventually(lambda: database.statements == 1)
        await add(owner, "a")
        relay.wake()
        await eventually(lambda: is_sent(owner))


async def test_what_comes_alone_never_waits_for_company(
    database: PostgresDatabase, broker: MemoryBroker
) -> None:
    relay = relay_of(database, broker, gather_s=NEVER_S)
    async with running(relay):
        for name in "abc":
            await add(database, name)
            relay.wake()
            await eventually(lambda: all_sent(database))


async def test_what_comes_after_a_company_gathers_until_the_next_look(
    database: PostgresDatabase, broker: MemoryBroker, queues: Queues
) -> None:
    relay = relay_of(database, broker, gather_s=1)
    for name in "ab":
        await add(database, name)
    before = database.statements
    async with running(relay):
        await eventually(lambda: len(queues.backlog["order.created"]) == 2)
        for name in "cdef":
            await add(database, name)
            relay.wake()
        await eventually(lambda: len(queues.backlog["order.created"]) == 6)

    assert database.statements - before == 4 + 2 * 2  # four rows added, two batches


async def test_full_batches_follow_each_other_at_once(
    database: PostgresDatabase, broker: MemoryBroker
) -> None:
    for name in "abcd":
        await add(database, name)
    async with running(relay_of(database, broker, batch=2, gather_s=NEVER_S)):
        await eventually(lambda: all_sent(database))


async def test_stopping_waits_for_no_company(
    database: PostgresDatabase, broker: MemoryBroker
) -> None:
    for name in "ab":
        await add(database, name)
    async with running(relay_of(database, broker, gather_s=NEVER_S)):
        await eventually(lambda: all_sent(database))


async def test_a_wake_up_during_a_look_is_not_forgotten(
    database: PostgresDatabase, owner: PostgresDatabase, broker: MemoryBroker
) -> None:
    async def add_and_wake() -> None:
        await add(owner, "a")
        relay.wake()

    relay = relay_of(BusyMeanwhile(database, add_and_wake), broker, poll_s=NEVER_S)
    async with running(relay):
        await eventually(lambda: is_sent(owner))


async def test_a_lost_wake_up_costs_one_poll(
    database: PostgresDatabase, owner: PostgresDatabase, broker: MemoryBroker
) -> None:
    async with running(relay_of(database, broker, poll_s=0.02)):
        await eventually(lambda: database.statements == 1)
        await add(owner, "a")
        await eventually(lambda: is_sent(owner))


async def test_h27_rows_go_out_with_the_first_success_after_the_broker_was_away(
    database: PostgresDatabase, broker: MemoryBroker, queues: Queues
) -> None:
    """The lease is long: rows that could not be sent must have been put back."""
    broker.faults.extend([PublishFailed(), PublishFailed(), PublishFailed()])
    await add(database, "a")
    async with running(relay_of(database, broker, lease_s=NEVER_S)):
        await eventually(lambda: all_sent(database))

    assert arrived(queues) == ["a"]
    assert await database.fetch("SELECT attempts FROM outbox") == [{"attempts": 4}]


async def test_h10_what_was_perhaps_taken_is_sent_again_unchanged(
    database: PostgresDatabase, broker: MemoryBroker, queues: Queues
) -> None:
    broker.faults.append(PublishUnknown())
    await add(database, "a")
    async with running(relay_of(database, broker)):
        await eventually(lambda: all_sent(database))

    first, second = queues.backlog["order.created"]
    assert first.body == second.body


async def test_h24_it_goes_on_after_the_database_was_away(
    database: PostgresDatabase, broker: MemoryBroker, queues: Queues
) -> None:
    await add(database, "a")
    async with running(relay_of(AbsentAtFirst(database), broker)):
        await eventually(lambda: all_sent(database))

    assert arrived(queues) == ["a"]


async def test_relays_of_several_processes_share_the_rows(
    database: PostgresDatabase, broker: MemoryBroker, queues: Queues
) -> None:
    names = [f"{number:02}" for number in range(60)]
    async with database.begin() as tx:
        for name in names:
            await add(tx, name)
    async with running(*(relay_of(database, broker, batch=4) for _ in range(3))):
        await eventually(lambda: all_sent(database))

    assert sorted(arrived(queues)) == names


async def test_c03_rows_of_a_dead_relay_are_due_after_its_lease(
    database: PostgresDatabase, broker: MemoryBroker, queues: Queues
) -> None:
    await add(database, "a")
    assert len(await database.fetch(CLAIM, 10, 0.3)) == 1
    assert len(await database.fetch(CLAIM, 10, 0.3)) == 0

    async with running(relay_of(database, broker, poll_s=0.05)):
        await eventually(lambda: all_sent(database))

    assert arrived(queues) == ["a"]


async def test_h29_stopping_finishes_the_batch_in_hand_and_takes_no_other(
    database: PostgresDatabase, queues: Queues
) -> None:
    await add(database, "in hand")
    await add(database, "later")
    broker = SlowBroker(queues)
    relay = relay_of(database, broker, batch=1)
    task = asyncio.create_task(relay.run())
    await broker.asked.wait()
    stopping = asyncio.create_task(relay.stop())
    broker.let_go.set()
    await stopping

    assert arrived(queues) == ["in hand"]
    assert await database.fetch_one(UNSENT) == {"n": 1}
    await task


async def test_only_stopping_cuts_a_back_off_short(
    database: PostgresDatabase, owner: PostgresDatabase, broker: MemoryBroker
) -> None:
    """After five failures it is 0.8 s at least; wake-ups must not make it hammer the broker."""
    broker.faults.extend(PublishFailed() for _ in range(1000))
    await add(database, "a")
    relay = Relay(
        database, broker, seal, batch=1, lease_s=NEVER_S, poll_s=NEVER_S, backoff_max_s=NEVER_S
    )
    async with running(relay):
        await eventually(lambda: len(broker.faults) == 995)
        relay.wake()
        for _ in range(20):
            await owner.ping()
        assert len(broker.faults) == 995
