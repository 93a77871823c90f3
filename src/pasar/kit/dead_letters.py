"""Messages nobody could handle, kept for a person to read and send again (`pasar dead-letters`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pasar.kit.broker.port import Broker, DeadLetters
from pasar.kit.database import Database, Row

RECORD: Final = """
INSERT INTO dead_letters (topic, body, error, attempts) VALUES ($1, $2, $3, $4)
"""

OLDEST: Final = """
SELECT id, topic, body, error, attempts, at FROM dead_letters
WHERE $1::text IS NULL OR topic = $1
ORDER BY id
LIMIT $2
"""

FIND: Final = "SELECT id, topic, body, error, attempts, at FROM dead_letters WHERE id = $1"

DELETE: Final = "DELETE FROM dead_letters WHERE id = $1"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """`attempts` were made to handle it; `error` is what the last one said."""

    id: int
    topic: str
    body: bytes
    error: str
    attempts: int
    at: datetime


class PostgresDeadLetters:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, topic: str, body: bytes, error: str, attempts: int) -> None:
        # PostgreSQL's text holds no NUL, and the error may quote the message.
        await self._database.execute(RECORD, topic, body, error.replace("\0", "\\0"), attempts)

    async def oldest(self, topic: str | None, limit: int) -> Sequence[DeadLetter]:
        """Return at most `limit` of the topic, or of all, oldest first."""
        return list(map(_letter, await self._database.fetch(OLDEST, topic, limit)))

    async def find(self, letter_id: int) -> DeadLetter | None:
        row = await self._database.fetch_one(FIND, letter_id)
        return None if row is None else _letter(row)

    async def replay(self, letter: DeadLetter, broker: Broker) -> None:
        """
        Send the message again as it was, then forget it here.

        In this order a crash in between sends it twice, which its `message_id` makes harmless; the
        other way round it would be lost. What fails again becomes a new dead letter. Raises
        PublishFailed, PublishUnknown, kit.errors.Unavailable: the letter stays.
        """
        await broker.publish(letter.topic, letter.body)
        await self._database.execute(DELETE, letter.id)


def _letter(row: Row) -> DeadLetter:
    return DeadLetter(
        row["id"], row["topic"], row["body"], row["error"], row["attempts"], row["at"]
    )


_: type[DeadLetters] = PostgresDeadLetters
