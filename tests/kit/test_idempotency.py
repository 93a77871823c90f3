"""Idempotency keys, in PostgreSQL and in memory: done once, answered alike."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from uuid import UUID, uuid4

import pytest

from pasar.kit.database import Contended, OutcomeUnknown
from pasar.kit.errors import KeyReused
from pasar.kit.idempotency import Claim, Done, KeyInUse, Once, PostgresOnce, Replayed
from pasar.kit.joining import JoiningDatabase
from pasar.kit.postgres import PostgresDatabase
from tests.fakes.once import MemoryOnce
from tests.kit.databases import ADD_CATEGORY, count
from tests.waiting import eventually

DAY_S = 86_400


@dataclass
class Work:
    """Makes a category at each call, in the fake's place nothing."""

    database: JoiningDatabase | None = None
    before: Callable[[], None] = lambda: None
    made: list[UUID] = field(default_factory=list[UUID])
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self) -> Done:
        self.before()
        made = uuid4()
        self.made.append(made)
        if self.database:
            await self.database.execute(ADD_CATEGORY, str(made))
        return Done(made, 201, b'{"id":"%s"}' % str(made).encode())

    async def slowly(self) -> Done:
        done = await self()
        await self.gate.wait()
        return done


@pytest.fixture
def joining(database: PostgresDatabase) -> JoiningDatabase:
    return JoiningDatabase(database)


def once_in(joining: JoiningDatabase, ttl_s: float = DAY_S) -> PostgresOnce:
    return PostgresOnce(joining, ttl_s, committed=lambda: None)


@pytest.fixture(params=["memory", "postgres"])
def parts(request: pytest.FixtureRequest) -> tuple[Once, Work]:
    if request.param == "memory":
        return MemoryOnce(), Work()
    joining = request.getfixturevalue("joining")
    return once_in(joining), Work(joining)


def claim() -> Claim:
    return Claim(uuid4(), "POST /things", "key-1", b"\1" * 32)


async def test_the_second_request_gets_the_first_answer(parts: tuple[Once, Work]) -> None:
    once, work = parts
    wanted = claim()
    first = await once.do(wanted, work)
    again = [await once.do(wanted, work) for _ in range(2)]

    assert isinstance(first, Done)
    assert again == [Replayed(first.status, first.body)] * 2
    assert work.made == [first.resource_id]


async def test_another_request_under_the_same_key_is_refused(parts: tuple[Once, Work]) -> None:
    once, work = parts
    wanted = claim()
    await once.do(wanted, work)
    with pytest.raises(KeyReused):
        await once.do(replace(wanted, sha256=b"\2" * 32), work)

    assert len(work.made) == 1


async def test_keys_of_other_users_and_routes_are_other_keys(parts: tuple[Once, Work]) -> None:
    once, work = parts
    wanted = claim()
    await once.do(wanted, work)
    await once.do(replace(wanted, user_id=uuid4()), work)
    await once.do(replace(wanted, route="POST /others"), work)
    await once.do(replace(wanted, key="key-2"), work)

    assert len(work.made) == 4


async def test_a_key_whose_work_is_under_way_is_in_use(parts: tuple[Once, Work]) -> None:
    once, work = parts
    wanted = claim()
    running = asyncio.create_task(once.do(wanted, work.slowly))
    await eventually(lambda: bool(work.made))
    with pytest.raises(KeyInUse):
        await once.do(wanted, work)
    work.gate.set()
    first = await running

    assert await once.do(wanted, work) == Replayed(first.status, first.body)
    assert len(work.made) == 1


async def test_what_fails_is_not_kept(parts: tuple[Once, Work]) -> None:
    once, work = parts
    wanted = claim()

    async def fails() -> Done:
        await work()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await once.do(wanted, fails)
    assert isinstance(await once.do(wanted, work), Done)


async def test_failed_work_leaves_neither_thing_nor_key(
    joining: JoiningDatabase, owner: PostgresDatabase
) -> None:
    work = Work(joining)

    async def fails() -> Done:
        await work()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await once_in(joining).do(claim(), fails)

    assert await count(owner) == 0
    assert await owner.fetch("SELECT FROM idempotency_keys") == []


async def test_fifty_at_once_do_it_once(joining: JoiningDatabase, owner: PostgresDatabase) -> None:
    once, work, wanted = once_in(joining), Work(joining), claim()
    done = await asyncio.gather(*(once.do(wanted, work) for _ in range(50)), return_exceptions=True)
    kinds = Counter(type(each) for each in done)

    assert set(kinds) <= {Done, Replayed, KeyInUse}
    assert (kinds[Done], await count(owner)) == (1, 1)


async def test_a_key_past_its_time_is_as_good_as_new(
    joining: JoiningDatabase, owner: PostgresDatabase
) -> None:
    """Also while no sweep has deleted it; the new answer takes its place."""
    once, work, wanted = once_in(joining), Work(joining), claim()
    await once.do(wanted, work)
    await owner.execute("UPDATE idempotency_keys SET created_at = now() - interval '24 h 1 s'")
    second = await once.do(replace(wanted, sha256=b"\2" * 32), work)
    third = await once.do(replace(wanted, sha256=b"\2" * 32), work)

    assert isinstance(second, Done)
    assert third == Replayed(second.status, second.body)
    assert await count(owner) == 2


@pytest.mark.parametrize("fault", [Contended, OutcomeUnknown])
async def test_contention_begins_the_whole_anew(
    joining: JoiningDatabase, owner: PostgresDatabase, fault: type[Exception]
) -> None:
    faults = [fault, fault]

    def before() -> None:
        if faults:
            raise faults.pop()

    work = Work(joining, before)
    done = await once_in(joining).do(claim(), work)

    assert isinstance(done, Done)
    assert (len(work.made), await count(owner)) == (1, 1)


async def test_contention_that_stays_is_said_so(joining: JoiningDatabase) -> None:
    def before() -> None:
        raise Contended

    with pytest.raises(Contended):
        await once_in(joining).do(claim(), Work(joining, before))


async def test_who_waits_for_the_commit_is_told_after_it_and_of_no_replay(
    joining: JoiningDatabase, database: PostgresDatabase
) -> None:
    told: list[str] = []
    once = PostgresOnce(joining, DAY_S, committed=lambda: told.append("committed"))
    wanted = claim()

    async def work() -> Done:
        told.append("worked")
        return await Work(joining)()

    await once.do(wanted, work)
    await once.do(wanted, work)

    assert told == ["worked", "committed"]
    assert database.statements == 6  # claim, find, add, keep; claim, find
