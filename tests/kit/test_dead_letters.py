import pytest

from pasar.kit.dead_letters import PostgresDeadLetters
from pasar.kit.errors import Unavailable
from pasar.kit.postgres import PostgresDatabase

KEPT = "SELECT topic, body, error, attempts FROM dead_letters"


async def test_d43_h12_a_dead_letter_is_kept_byte_for_byte(
    payment_database: PostgresDatabase,
) -> None:
    await PostgresDeadLetters(payment_database).record("order.created", b"\x00\xff{", "no JSON", 1)

    assert await payment_database.fetch(KEPT) == [
        {"topic": "order.created", "body": b"\x00\xff{", "error": "no JSON", "attempts": 1}
    ]


async def test_h12_an_error_that_quotes_a_nul_is_kept(database: PostgresDatabase) -> None:
    await PostgresDeadLetters(database).record("payment.success", b"?", "bad \0 inside", 5)

    [row] = await database.fetch(KEPT)
    assert row["error"] == r"bad \0 inside"


async def test_a_dead_letter_that_cannot_be_stored_is_not_acknowledged(
    database: PostgresDatabase,
) -> None:
    await database.close()

    with pytest.raises(Unavailable):
        await PostgresDeadLetters(database).record("order.created", b"?", "no JSON", 1)
