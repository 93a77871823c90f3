import asyncio
from uuid import UUID, uuid4

import pytest

from pasar.kit.inbox import first_time
from pasar.kit.postgres import PostgresDatabase


@pytest.fixture(params=["database", "payment_database"])
def either_service(request: pytest.FixtureRequest) -> PostgresDatabase:
    opened: PostgresDatabase = request.getfixturevalue(request.param)
    return opened


async def take_in(database: PostgresDatabase, consumer: str, message: UUID) -> bool:
    async with database.begin() as tx:
        return bool(await first_time(tx, consumer, [message]))


async def test_h10_a_message_is_new_once(either_service: PostgresDatabase) -> None:
    message = uuid4()

    assert await take_in(either_service, "settlement", message)
    assert not await take_in(either_service, "settlement", message)
    assert await take_in(either_service, "settlement", uuid4())
    assert await take_in(either_service, "another", message)


async def test_h10_of_deliveries_at_once_one_is_the_first(database: PostgresDatabase) -> None:
    message = uuid4()

    news = await asyncio.gather(*(take_in(database, "settlement", message) for _ in range(5)))

    assert sorted(news) == [False, False, False, False, True]


async def test_h10_of_a_batch_the_new_ones_are_told_apart(database: PostgresDatabase) -> None:
    old, new, other = uuid4(), uuid4(), uuid4()
    await take_in(database, "settlement", old)
    async with database.begin() as tx:
        found = await first_time(tx, "settlement", [old, new, other, new])

    assert found == {new, other}


async def test_work_that_failed_leaves_the_message_new(database: PostgresDatabase) -> None:
    message = uuid4()

    async def fail_at_work() -> None:
        async with database.begin() as tx:
            assert await first_time(tx, "settlement", [message])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_at_work()

    assert await take_in(database, "settlement", message)
