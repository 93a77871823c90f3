"""
The outbox: what a transaction has to tell others is a row of its own, published afterwards.

So an event exists exactly if its transaction committed, and checkout never waits for the broker.
The business statements insert the rows; here is the relay that sends them. A consumer may get a
message twice and tells by its `message_id`, which is part of the payload (`kit/inbox.py`).
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pasar.kit import failpoints, log
from pasar.kit.backoff import Backoff
from pasar.kit.broker.port import Broker, PublishFailed, PublishUnknown
from pasar.kit.database import Database
from pasar.kit.errors import Unavailable
from pasar.kit.waiting import happens

Payload = Mapping[str, str]

# A lease, not a lock: the network is spoken to outside any transaction. If this process dies, its
# rows are due again after the lease. SKIP LOCKED lets relays of several processes share the rows.
# Neither lease nor mark waits for the disk: when the server itself dies, the last 0.6 s of them may
# be lost, and what was sent is sent again. `true` ends that with the transaction.
CLAIM: Final = """
WITH lazily AS MATERIALIZED (
    SELECT set_config('synchronous_commit', 'off', true)
), due AS MATERIALIZED (
    SELECT id FROM outbox
    WHERE sent_at IS NULL AND next_at <= now()
    ORDER BY id
    LIMIT $1
    FOR UPDATE SKIP LOCKED
)
UPDATE outbox o
SET attempts = attempts + 1, next_at = now() + make_interval(secs => $2)
WHERE o.id = ANY(ARRAY(SELECT due.id FROM due, lazily))
RETURNING o.id, o.topic, o.payload
"""

SENT: Final = """
WITH lazily AS MATERIALIZED (
    SELECT set_config('synchronous_commit', 'off', true)
)
UPDATE outbox SET sent_at = now() FROM lazily WHERE id = ANY($1::bigint[])
"""

PUT_BACK: Final = """
UPDATE outbox SET next_at = now() WHERE id = ANY($1::bigint[]) AND sent_at IS NULL
"""

# Of what was sent; the age of a row is that of the moment it tells of.
SWEEP: Final = """
DELETE FROM outbox WHERE id IN (
    SELECT id FROM outbox
    WHERE created_at < now() - make_interval(secs => $2)
      AND sent_at < now() - make_interval(secs => $2)
    LIMIT $1
    FOR UPDATE SKIP LOCKED)
"""

_BACKOFF_FIRST_S: Final = 0.1
_GATHER_S: Final = 0.02  # a tenth of what a loaded shop takes from order to payment

_log: Final = log.get("relay")


@dataclass(frozen=True, slots=True)
class Event:
    """One row in hand, leased to this relay."""

    row_id: int
    topic: str
    payload: Payload


class Relay:
    """
    Sends outbox rows to the broker, oldest first, in batches; any number of relays may run.

    `seal` turns a stored payload into the signed body. `poll_s` bounds how late a row is sent whose
    wake-up was lost. While the broker or the database is away, the relay tries again after 100 ms,
    doubling to `backoff_max_s`; rows it could not send stay due, so they go out with its first
    success. What may have been sent is sent again: at least once, never lost.

    Where rows come in company, the next look is `gather_s` after the one before: what is sent
    together stays together all the way to the settlement, in fewer statements and commits. A row
    that comes alone never waits.
    """

    def __init__(
        self,
        database: Database,
        broker: Broker,
        seal: Callable[[Payload], bytes],
        *,
        batch: int,
        lease_s: float,
        poll_s: float,
        backoff_max_s: float,
        gather_s: float = _GATHER_S,
    ) -> None:
        self._database = database
        self._broker = broker
        self._seal = seal
        self._batch = batch
        self._lease_s = lease_s
        self._poll_s = poll_s
        self._gather_s = gather_s
        self._backoff = Backoff(_BACKOFF_FIRST_S, backoff_max_s)
        self._woken = asyncio.Event()
        self._stopping = asyncio.Event()
        self._running = asyncio.Lock()

    def wake(self) -> None:
        """Look for rows now instead of at the next poll; cheap, may be called at any rate."""
        self._woken.set()

    async def run(self) -> None:
        """Send until `stop`; after a cancellation the rows in hand are sent again, by lease."""
        failures = 0
        now = asyncio.get_running_loop().time
        async with self._running:
            while not self._stopping.is_set():
                self._woken.clear()  # before the look, so that a wake-up during it counts
                next_look_at = now() + self._gather_s
                try:
                    found = await self._send_batch()
                except (PublishFailed, PublishUnknown, Unavailable) as fault:
                    failures += 1
                    _log.warning("cannot send", reason=repr(fault), failures=failures)
                    await happens(self._stopping, within_s=self._backoff.delay_s(failures))
                    continue
                failures = 0
                if 1 < found < self._batch:
                    await happens(self._stopping, within_s=next_look_at - now())
                if found < self._batch:
                    await happens(self._woken, within_s=self._poll_s)

    async def stop(self) -> None:
        """Return once the batch in hand is sent or put back; `run` has ended then."""
        self._stopping.set()
        self._woken.set()
        async with self._running:
            pass

    async def _send_batch(self) -> int:
        if await failpoints.reach("relay.tick"):
            return 0
        rows = await self._database.fetch(CLAIM, self._batch, self._lease_s)
        events = [Event(row["id"], row["topic"], row["payload"]) for row in rows]
        events.sort(key=lambda event: event.row_id)  # RETURNING promises no order
        try:
            for topic in {event.topic: None for event in events}:
                await self._publish(topic, [event for event in events if event.topic == topic])
        except (PublishFailed, PublishUnknown):
            await self._database.execute(PUT_BACK, [event.row_id for event in events])
            raise
        return len(events)

    async def _publish(self, topic: str, events: Sequence[Event]) -> None:
        await failpoints.reach("relay.before_pub")
        await self._broker.publish_many(topic, [self._seal(event.payload) for event in events])
        await failpoints.reach("relay.after_pub")
        await self._database.execute(SENT, [event.row_id for event in events])
        for event in events:
            _log.info(
                "event sent",
                topic=topic,
                message_id=event.payload.get("message_id", ""),
                request_id=event.payload.get("request_id", ""),
            )
