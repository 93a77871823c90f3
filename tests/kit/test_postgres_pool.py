"""The pool on a real server: whose turn it is, and which connection is kept."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import NoReturn

import pytest

from pasar.kit.errors import Unavailable
from pasar.kit.postgres import PostgresSettings, connect
from pasar.kit.postgres_pool import MAX_IDLE_S, Pool

Made = Callable[..., Pool]


@pytest.fixture
async def made(clone: PostgresSettings) -> AsyncGenerator[Made]:
    pools: list[Pool] = []

    def make(size: int = 1, wait_s: float = 10, max_idle_s: float = MAX_IDLE_S) -> Pool:
        pool = Pool(partial(connect, clone), size=size, wait_s=wait_s, max_idle_s=max_idle_s)
        pools.append(pool)
        return pool

    yield make
    for pool in pools:
        await pool.close(grace_s=1)


async def pid(pool: Pool) -> object:
    async with pool.lend() as connection:
        return await connection.fetchval("SELECT pg_backend_pid()")


async def test_many_borrowers_share_a_few_connections(made: Made) -> None:
    pool = made(size=3)

    pids = await asyncio.gather(*(pid(pool) for _ in range(30)))

    assert 1 <= len(set(pids)) <= 3


async def test_the_last_used_is_lent_first_so_that_the_others_grow_old(made: Made) -> None:
    pool = made(size=2)
    async with AsyncExitStack() as first, AsyncExitStack() as last:
        await first.enter_async_context(pool.lend())
        connection = await last.enter_async_context(pool.lend())
        newest = await connection.fetchval("SELECT pg_backend_pid()")
        await first.aclose()

    assert [await pid(pool), await pid(pool)] == [newest, newest]


async def test_who_waits_is_served_in_turn_and_who_gives_up_is_passed_over(made: Made) -> None:
    pool = made()
    served: list[int] = []

    async def borrow(number: int) -> None:
        async with pool.lend():
            served.append(number)

    async with pool.lend():
        waiting = [asyncio.create_task(borrow(number)) for number in range(4)]
        await asyncio.sleep(0)
        waiting[1].cancel()
        await asyncio.wait([waiting[1]])
    await asyncio.wait(waiting)

    assert served == [0, 2, 3]


async def test_a_turn_that_comes_to_one_who_is_just_cancelled_is_not_lost(made: Made) -> None:
    pool = made()

    async with pool.lend():
        waiting = asyncio.create_task(pid(pool))
        await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])

    assert await pid(pool)


async def test_a_connection_that_cannot_be_had_keeps_nobody_else_waiting() -> None:
    dials = 0

    async def refuse() -> NoReturn:
        nonlocal dials
        dials += 1
        raise ConnectionRefusedError

    pool = Pool(refuse, size=1, wait_s=60)
    for _ in range(3):
        with pytest.raises(Unavailable):
            await pid(pool)

    assert dials == 3


async def test_a_transaction_that_is_left_open_ends_with_its_connection(made: Made) -> None:
    pool = made()
    async with pool.lend() as connection:
        before = await connection.fetchval("SELECT pg_backend_pid()")
        await connection.execute("BEGIN")

    assert await pid(pool) != before


async def test_a_mistake_costs_no_connection(made: Made) -> None:
    pool = made()
    before = await pid(pool)

    with pytest.raises(LookupError):
        async with pool.lend():
            raise LookupError

    assert await pid(pool) == before


async def test_a_connection_that_was_idle_too_long_is_replaced(made: Made) -> None:
    pool = made(max_idle_s=0)

    assert await pid(pool) != await pid(pool)


async def test_a_closed_pool_lends_nothing(made: Made) -> None:
    pool = made()
    await pid(pool)
    await pool.close(grace_s=1)

    with pytest.raises(Unavailable):
        await pid(pool)
