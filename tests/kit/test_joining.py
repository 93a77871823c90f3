"""One transaction around work that does not know of it."""

import asyncio

import pytest

from pasar.kit.errors import Unavailable
from pasar.kit.joining import JoiningDatabase
from pasar.kit.postgres import PostgresDatabase
from tests.kit.databases import ADD_CATEGORY, count


@pytest.fixture
def joining(database: PostgresDatabase) -> JoiningDatabase:
    return JoiningDatabase(database)


async def add_three(joining: JoiningDatabase) -> None:
    """What a use case does: statements of its own, and a transaction of its own."""
    await joining.execute(ADD_CATEGORY, "Tea")
    async with joining.begin() as tx:
        await tx.execute(ADD_CATEGORY, "Coffee")
    await joining.fetch(f"{ADD_CATEGORY} RETURNING id", "Cocoa")


async def test_without_a_block_everything_commits_by_itself(
    joining: JoiningDatabase, owner: PostgresDatabase
) -> None:
    await add_three(joining)

    assert await count(owner) == 3


async def test_all_that_is_asked_in_a_block_commits_at_its_end(
    joining: JoiningDatabase, owner: PostgresDatabase
) -> None:
    async with joining.together():
        await add_three(joining)
        seen_inside = await joining.fetch_one("SELECT count(*) AS n FROM categories")
        seen_outside = await count(owner)

    assert (seen_inside, seen_outside, await count(owner)) == ({"n": 3}, 0, 3)


async def test_an_error_takes_back_all_that_was_asked(
    joining: JoiningDatabase, owner: PostgresDatabase
) -> None:
    async def fail_at_last() -> None:
        async with joining.together():
            await add_three(joining)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_at_last()
    await joining.execute(ADD_CATEGORY, "Milk")

    assert await count(owner) == 1


async def test_two_blocks_at_once_know_nothing_of_each_other(
    joining: JoiningDatabase, owner: PostgresDatabase
) -> None:
    both = asyncio.Barrier(2)

    async def add(name: str) -> int:
        async with joining.together():
            await joining.execute(ADD_CATEGORY, name)
            await both.wait()
            row = await joining.fetch_one("SELECT count(*)::int AS n FROM categories")
            await both.wait()
            assert row is not None
            return int(row["n"])

    tea, coffee = await asyncio.gather(add("Tea"), add("Coffee"))

    assert (tea, coffee) == (1, 1)
    assert await count(owner) == 2


async def test_a_task_that_outlives_the_block_is_refused_its_connection(
    joining: JoiningDatabase,
) -> None:
    ended = asyncio.Event()

    async def linger() -> None:
        await ended.wait()
        await joining.execute(ADD_CATEGORY, "Tea")

    async with joining.together():
        lingering = asyncio.create_task(linger())
        await asyncio.sleep(0)
    ended.set()

    with pytest.raises(Unavailable):
        await lingering
