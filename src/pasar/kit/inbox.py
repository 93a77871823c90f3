"""The inbox: the twin of the outbox, which makes the second delivery of a message harmless."""

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from pasar.kit.database import Tx

# The second of two deliveries at once waits for the first to end, and sees its row if it committed.
# In one order everywhere, so that two batches of the same messages never wait for each other.
TAKE_IN: Final = """
INSERT INTO inbox (consumer, message_id)
SELECT $1, id FROM unnest($2::uuid[]) AS m (id) ORDER BY id
ON CONFLICT DO NOTHING
RETURNING message_id
"""

# A message that comes again after that is stopped by the state it finds.
SWEEP: Final = """
DELETE FROM inbox WHERE (consumer, message_id) IN (
    SELECT consumer, message_id FROM inbox
    WHERE at < now() - make_interval(secs => $2)
    LIMIT $1
    FOR UPDATE SKIP LOCKED)
"""


async def first_time(tx: Tx, consumer: str, message_ids: Sequence[UUID]) -> Collection[UUID]:
    """
    Note messages in the transaction that does their work; return those it was not done for before.

    Both commit together or not at all: a rolled back transaction leaves the messages to their next
    delivery. Raises as Tx does.

    >>> async with database.begin() as tx:                          # doctest: +SKIP
    ...     if await first_time(tx, "store-service", [result.message_id]):
    ...         await settle(tx, result)
    """
    return {row["message_id"] for row in await tx.fetch(TAKE_IN, consumer, message_ids)}
