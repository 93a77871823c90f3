"""The inbox: the twin of the outbox, which makes the second delivery of a message harmless."""

from typing import Final
from uuid import UUID

from pasar.kit.database import Tx

# The second of two deliveries at once waits for the first to end, and sees its row if it committed.
TAKE_IN: Final = """
INSERT INTO inbox (consumer, message_id) VALUES ($1, $2) ON CONFLICT DO NOTHING
"""

# A message that comes again after that is stopped by the state it finds.
SWEEP: Final = """
DELETE FROM inbox WHERE (consumer, message_id) IN (
    SELECT consumer, message_id FROM inbox
    WHERE at < now() - make_interval(secs => $2)
    LIMIT $1
    FOR UPDATE SKIP LOCKED)
"""


async def first_time(tx: Tx, consumer: str, message_id: UUID) -> bool:
    """
    Note the message in the transaction that does its work; False if that was done before.

    Both commit together or not at all: a rolled back transaction leaves the message to the next
    delivery. Raises as Tx does.

    >>> async with database.begin() as tx:                          # doctest: +SKIP
    ...     if await first_time(tx, "store-service", result.message_id):
    ...         await settle(tx, result)
    """
    return await tx.execute(TAKE_IN, consumer, message_id) == 1
