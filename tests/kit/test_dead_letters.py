import pytest

from pasar.kit.broker.port import PublishFailed, PublishUnknown
from pasar.kit.dead_letters import PostgresDeadLetters
from pasar.kit.errors import Unavailable
from pasar.kit.postgres import PostgresDatabase
from tests.fakes.broker import MemoryBroker
from tests.kit.broker.targets import Recorder

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


async def test_a_replayed_letter_is_sent_as_it_was_and_forgotten(
    database: PostgresDatabase,
) -> None:
    box, broker, got = PostgresDeadLetters(database), MemoryBroker(), Recorder()
    await broker.declare({"payment.success": ["store"]})
    await broker.subscribe("payment.success", "store", got, concurrency=1)
    await box.record("payment.success", b"\x00{}", "once odd", 5)
    [letter] = await box.oldest("payment.success", 10)
    await box.replay(letter, broker)
    await got.got(1)
    await broker.close()

    assert got.bodies == [b"\x00{}"]
    assert await box.find(letter.id) is None


@pytest.mark.parametrize("fault", [PublishFailed, PublishUnknown])
async def test_a_letter_whose_sending_is_in_doubt_stays(
    database: PostgresDatabase, fault: type[PublishFailed | PublishUnknown]
) -> None:
    box, broker = PostgresDeadLetters(database), MemoryBroker()
    broker.faults.append(fault())
    await box.record("payment.success", b"{}", "once odd", 5)
    [letter] = await box.oldest(None, 10)
    with pytest.raises(fault):
        await box.replay(letter, broker)
    await broker.close()

    assert await box.find(letter.id) == letter
