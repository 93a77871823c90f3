"""Messages nobody could handle, kept for a person to look at (`pasar dead-letters`)."""

from typing import Final

from pasar.kit.broker.port import DeadLetters
from pasar.kit.database import Database

RECORD: Final = """
INSERT INTO dead_letters (topic, body, error, attempts) VALUES ($1, $2, $3, $4)
"""


class PostgresDeadLetters:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, topic: str, body: bytes, error: str, attempts: int) -> None:
        # PostgreSQL's text holds no NUL, and the error may quote the message.
        await self._database.execute(RECORD, topic, body, error.replace("\0", "\\0"), attempts)


_: type[DeadLetters] = PostgresDeadLetters
