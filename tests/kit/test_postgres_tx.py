"""Statements and transactions on a real server: results, outcomes, contention."""

import asyncio
from dataclasses import replace
from uuid import uuid4

import asyncpg
import pytest

from pasar.kit.database import ConstraintViolated
from pasar.kit.errors import Unavailable
from pasar.kit.postgres import PostgresDatabase, PostgresSettings
from tests.kit.databases import ADD_CATEGORY, count, opened
from tests.waiting import eventually


async def test_rows_are_mappings_and_execute_counts(database: PostgresDatabase) -> None:
    assert await database.execute(ADD_CATEGORY, "Tea") == 1
    assert await database.execute("UPDATE categories SET name = name") == 1
    assert await database.execute("DELETE FROM categories WHERE false") == 0
    assert await database.fetch_one("SELECT name FROM categories") == {"name": "Tea"}
    assert await database.fetch_one("SELECT name FROM categories WHERE false") is None
    assert await database.fetch("SELECT 1 AS a, 'x' AS b") == [{"a": 1, "b": "x"}]


async def test_jsonb_comes_back_as_it_went_in(database: PostgresDatabase) -> None:
    payload = {"order_id": "1", "name": "Kopi ☕"}

    assert await database.fetch_one("SELECT $1::jsonb AS p", payload) == {"p": payload}


async def test_a_violated_constraint_is_named(database: PostgresDatabase) -> None:
    await database.execute(ADD_CATEGORY, "Tea")

    with pytest.raises(ConstraintViolated) as unique:
        await database.execute(ADD_CATEGORY, "Tea")
    with pytest.raises(ConstraintViolated) as foreign:
        await database.execute("INSERT INTO carts (user_id) VALUES ($1)", uuid4())

    assert unique.value.constraint == "categories_name_key"
    assert foreign.value.constraint == "carts_user_id_fkey"


@pytest.mark.parametrize(
    ("sql", "fault"),
    [
        ("INSERT INTO categories (name) VALUES (NULL)", asyncpg.NotNullViolationError),
        ("SELEC 1", asyncpg.PostgresSyntaxError),
        ("DROP TABLE users", asyncpg.InsufficientPrivilegeError),
    ],
)
async def test_a_mistake_of_ours_is_no_outage(
    database: PostgresDatabase, sql: str, fault: type[Exception]
) -> None:
    with pytest.raises(fault):
        await database.execute(sql)


async def test_a_wrong_argument_is_no_outage(database: PostgresDatabase) -> None:
    with pytest.raises(asyncpg.DataError):
        await database.fetch("SELECT $1::int", "no number")


async def test_two_statements_at_once_in_a_transaction_are_no_outage(
    database: PostgresDatabase,
) -> None:
    async with database.begin() as tx:
        both = (tx.fetch("SELECT pg_sleep(0.05)"), tx.fetch("SELECT 1"))
        _, second = await asyncio.gather(*both, return_exceptions=True)

    assert isinstance(second, asyncpg.InterfaceError)


async def test_a_transaction_commits_or_leaves_nothing(
    database: PostgresDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    async with database.begin() as tx:
        await tx.execute(ADD_CATEGORY, "Tea")

    async def fail_halfway() -> None:
        async with database.begin() as tx:
            await tx.execute(ADD_CATEGORY, "Coffee")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_halfway()

    assert await database.fetch("SELECT name FROM categories") == [{"name": "Tea"}]
    assert caplog.records == []  # the pool complains of a transaction left open


async def test_a_commit_that_rolled_back_is_not_taken_for_one(database: PostgresDatabase) -> None:
    """PostgreSQL answers COMMIT of a failed transaction with ROLLBACK, and no error."""

    async def swallow_a_violation() -> None:
        async with database.begin() as tx:
            await tx.execute(ADD_CATEGORY, "Tea")
            with pytest.raises(ConstraintViolated):
                await tx.execute(ADD_CATEGORY, "Tea")

    with pytest.raises(RuntimeError):
        await swallow_a_violation()

    assert await count(database) == 0


async def test_an_error_of_the_block_is_not_ours_to_translate(database: PostgresDatabase) -> None:
    with pytest.raises(FileNotFoundError):
        async with database.begin():
            raise FileNotFoundError


async def test_h03_a_single_statement_is_tried_again_after_a_lock_timeout(
    clone: PostgresSettings, owner: PostgresDatabase
) -> None:
    await owner.execute(ADD_CATEGORY, "Tea")
    async with opened(replace(clone, lock_timeout_s=0.05)) as database:
        async with owner.begin() as tx:
            await tx.execute("UPDATE categories SET name = 'Coffee'")
            rename = asyncio.create_task(database.execute("UPDATE categories SET name = 'Kopi'"))

            async def tried_again() -> bool:
                return database.statements > 1

            await eventually(tried_again)

        assert await rename == 1
    assert await owner.fetch_one("SELECT name FROM categories") == {"name": "Kopi"}


async def test_h03_four_lock_timeouts_are_unavailable(
    clone: PostgresSettings, owner: PostgresDatabase
) -> None:
    await owner.execute(ADD_CATEGORY, "Tea")
    async with opened(replace(clone, lock_timeout_s=0.02)) as database, owner.begin() as tx:
        await tx.execute("UPDATE categories SET name = 'Coffee'")

        with pytest.raises(Unavailable):
            await database.execute("UPDATE categories SET name = 'Kopi'")

        assert database.statements == 4


async def test_h03_a_deadlock_makes_one_of_two_transactions_unavailable(
    database: PostgresDatabase,
) -> None:
    for name in ("a", "b"):
        await database.execute(ADD_CATEGORY, name)
    both_hold_one = asyncio.Barrier(2)

    async def touch(first: str, second: str) -> None:
        async with database.begin() as tx:
            await tx.execute("UPDATE categories SET updated_at = now() WHERE name = $1", first)
            await both_hold_one.wait()
            await tx.execute("UPDATE categories SET updated_at = now() WHERE name = $1", second)

    outcomes = await asyncio.gather(touch("a", "b"), touch("b", "a"), return_exceptions=True)

    [failed] = [outcome for outcome in outcomes if outcome is not None]
    assert isinstance(failed, Unavailable)
