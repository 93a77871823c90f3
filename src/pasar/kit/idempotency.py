"""
Idempotency keys: work that a client names is done once, and its repeats get the first answer.

The answer is stored in the transaction of the work: both are there or neither. Refusals and faults
are not stored, since they leave nothing behind. What a key may look like is the edge's affair.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar, Final, Protocol
from uuid import UUID

from pasar.kit.database import Contended, OutcomeUnknown, Tx
from pasar.kit.errors import Conflict, KeyReused
from pasar.kit.joining import JoiningDatabase

# A try-lock: an INSERT of the same key would block behind the one that is still under way.
CLAIM: Final = """
SELECT pg_try_advisory_xact_lock(hashtextextended(concat_ws(':', $1::uuid, $2::text, $3::text), 0))
    AS free
"""

# A statement of its own, as its snapshot must be younger than the lock. Too old is as good as gone.
FIND: Final = """
SELECT body_sha256, status, response FROM idempotency_keys
WHERE user_id = $1 AND route = $2 AND key = $3 AND created_at > now() - make_interval(secs => $4)
"""

# The row that gives way is one too old to be found.
KEEP: Final = """
INSERT INTO idempotency_keys AS k
    (user_id, route, key, body_sha256, resource_id, status, response)
VALUES ($1, $2, $3, $5, $6, $7, $8)
ON CONFLICT (user_id, route, key) DO UPDATE
SET body_sha256 = excluded.body_sha256, resource_id = excluded.resource_id,
    status = excluded.status, response = excluded.response, created_at = now()
WHERE k.created_at <= now() - make_interval(secs => $4)
"""

SWEEP: Final = """
DELETE FROM idempotency_keys WHERE (user_id, route, key) IN (
    SELECT user_id, route, key FROM idempotency_keys
    WHERE created_at < now() - make_interval(secs => $2)
    LIMIT $1
    FOR UPDATE SKIP LOCKED
)
"""

# Waits before the second and third try of the whole, with full jitter: as those of one statement.
_RETRY_AT_MOST_S: Final = (0.01, 0.02)


class KeyInUse(Conflict):
    """The same request is under way at this moment; afterwards it can be replayed."""

    retry_after_s: ClassVar = 1

    def __init__(self) -> None:
        super().__init__("a request with this key is still in progress")


@dataclass(frozen=True, slots=True)
class Claim:
    """Who wants what done under which key; `sha256` is of everything that the work depends on."""

    user_id: UUID
    route: str
    key: str
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it: the thing that was made, the status and body that say so."""

    resource_id: UUID
    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Replayed:
    """The stored status and body of what was done before."""

    status: int
    body: bytes


class Once(Protocol):
    async def do(self, claim: Claim, work: Callable[[], Awaitable[Done]]) -> Done | Replayed:
        """
        Do the work and store its outcome, or return the one stored.

        Whatever the work raises leaves nothing behind and passes through. Work that met contention,
        or whose commit went unanswered, is looked up and begun anew.

        Raises:
            kit.errors.KeyReused: the key stands for something else.
            KeyInUse: somebody is at it.
            kit.errors.Unavailable: the database is away; the same request may be sent again.
        """
        ...


class PostgresOnce:
    """Keys work for `ttl_s`; `committed` is called after each commit that did something."""

    def __init__(
        self, database: JoiningDatabase, ttl_s: float, committed: Callable[[], None]
    ) -> None:
        self._database = database
        self._ttl_s = ttl_s
        self._committed = committed

    async def do(self, claim: Claim, work: Callable[[], Awaitable[Done]]) -> Done | Replayed:
        for at_most_s in _RETRY_AT_MOST_S:
            try:
                return await self._tried(claim, work)
            except (Contended, OutcomeUnknown):
                await asyncio.sleep(random.uniform(0, at_most_s))  # noqa: S311  jitter, no secret
        return await self._tried(claim, work)

    async def _tried(self, claim: Claim, work: Callable[[], Awaitable[Done]]) -> Done | Replayed:
        async with self._database.together() as tx:
            if stored := await self._find(tx, claim):
                return stored
            done = await work()
            await self._keep(tx, claim, done)
        self._committed()
        return done

    async def _find(self, tx: Tx, claim: Claim) -> Replayed | None:
        """Take the key for this transaction, and return what is stored under it."""
        scope = (claim.user_id, claim.route, claim.key)
        claimed = await tx.fetch_one(CLAIM, *scope)
        if not claimed or not claimed["free"]:
            raise KeyInUse
        row = await tx.fetch_one(FIND, *scope, self._ttl_s)
        if row is None:
            return None
        if row["body_sha256"] != claim.sha256:
            raise KeyReused
        return Replayed(row["status"], row["response"])

    async def _keep(self, tx: Tx, claim: Claim, done: Done) -> None:
        kept = await tx.execute(
            KEEP,
            claim.user_id,
            claim.route,
            claim.key,
            self._ttl_s,
            claim.sha256,
            done.resource_id,
            done.status,
            done.body,
        )
        if kept == 0:  # stored past the lock: leave it to the one that came first
            raise KeyInUse


_: type[Once] = PostgresOnce
