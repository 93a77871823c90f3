"""
Sessions in PostgreSQL: refresh families, their tokens, and the end of them.

A token works while it is unused, unexpired and its family not revoked; the rows alone decide.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from pasar.kit.database import Database, Tx
from pasar.kit.errors import Unavailable
from pasar.kit.postgres_listen import NOTIFY
from pasar.store_service.accounts.model import Issue, Presented, Session
from pasar.store_service.accounts.repository import Sessions
from pasar.store_service.identity import Role, UserId

CHANNEL: Final = "store_sessions"
"""Of NOTIFY: somebody's tokens ended."""

# FOR SHARE waits for whoever is ending the account's sessions: a login that began before opens
# nothing then.
OPEN_SESSION: Final = """
WITH account AS (SELECT id FROM users WHERE id = $3 AND token_version = $4 FOR SHARE)
, family AS (
    INSERT INTO refresh_families (id, user_id, address_key) SELECT $1, id, $2 FROM account
    RETURNING id)
INSERT INTO refresh_tokens
    (id, family_id, token_sha256, role, access_jti, issued_at, expires_at)
SELECT $5::uuid, id, $6::bytea, $7, $8::uuid, $9::timestamptz, $10::timestamptz FROM family
"""

# Simultaneous uses wait for the token's row; the second then finds it used. A family that ends
# meanwhile takes the new token with it. Without rotation the old one gets no mark and no child.
RENEW: Final = """
WITH used AS (
    UPDATE refresh_tokens t SET used_at = CASE WHEN $3::boolean THEN now() END
    FROM refresh_families f
    WHERE t.id = $1 AND t.token_sha256 = $2 AND t.used_at IS NULL AND t.expires_at > now()
      AND f.id = t.family_id AND f.revoked_at IS NULL
    RETURNING t.id, t.family_id)
INSERT INTO refresh_tokens
    (id, family_id, parent_id, token_sha256, role, access_jti, issued_at, expires_at)
SELECT $4::uuid, family_id, CASE WHEN $3 THEN id END, $5::bytea, $6, $7::uuid, $8::timestamptz,
       $9::timestamptz
FROM used
"""

# Either the successor's row comes back, or the family ends: the two exclude each other.
REPEAT: Final = """
WITH old AS (
    SELECT t.id, t.family_id, t.used_at
    FROM refresh_tokens t JOIN refresh_families f ON f.id = t.family_id
    WHERE t.id = $1 AND t.token_sha256 = $2 AND f.revoked_at IS NULL)
, successor AS (
    SELECT n.* FROM old JOIN refresh_tokens n ON n.parent_id = old.id
    WHERE old.used_at >= now() - make_interval(secs => $3) AND n.used_at IS NULL)
, ended AS (
    UPDATE refresh_families f SET revoked_at = now() FROM old
    WHERE f.id = old.family_id AND f.revoked_at IS NULL AND NOT EXISTS (SELECT FROM successor))
SELECT id, access_jti, role, issued_at, expires_at FROM successor
"""

REVOKE: Final = """
UPDATE refresh_families f SET revoked_at = now() FROM refresh_tokens t
WHERE t.id = $1 AND t.token_sha256 = $2 AND f.id = t.family_id AND f.revoked_at IS NULL
"""

RAISE_VERSION: Final = """
UPDATE users SET token_version = token_version + 1, sessions_revoked_at = now() WHERE id = $1
"""

# A statement of its own: it sees the families of the logins that RAISE_VERSION waited for.
REVOKE_ALL: Final = """
UPDATE refresh_families SET revoked_at = now() WHERE user_id = $1 AND revoked_at IS NULL
"""

# By a partial index that holds only the accounts whose sessions were ever ended.
ENDED: Final = """
SELECT id, token_version FROM users WHERE sessions_revoked_at > now() - make_interval(secs => $1)
"""

# Not before they expire, so that one used twice is still known; a child then has no parent.
SWEEP_TOKENS: Final = """
DELETE FROM refresh_tokens WHERE id IN (
    SELECT id FROM refresh_tokens
    WHERE expires_at < now() - make_interval(secs => $2)
    LIMIT $1
    FOR UPDATE SKIP LOCKED)
"""

# The families of the past weeks tell from where an account logs in (ENTER_WINDOW).
SWEEP_FAMILIES: Final = """
DELETE FROM refresh_families WHERE id IN (
    SELECT f.id FROM refresh_families f
    WHERE f.created_at < now() - make_interval(secs => $2)
      AND NOT EXISTS (SELECT FROM refresh_tokens t WHERE t.family_id = f.id)
    LIMIT $1
    FOR UPDATE SKIP LOCKED)
"""


class PostgresSessions:
    def __init__(self, database: Database) -> None:
        self.database = database

    async def insert(self, session: Session) -> bool:
        issue = session.issue
        kept = await self.database.execute(
            OPEN_SESSION,
            session.family_id,
            session.address,
            session.user_id,
            session.token_version,
            issue.refresh_jti,
            session.token_sha256,
            issue.role.value,
            issue.access_jti,
            issue.issued_at,
            issue.expires_at,
        )
        return kept == 1

    async def renew(self, old: Presented, issue: Issue, sha256: bytes, *, rotate: bool) -> bool:
        added = await self.database.execute(
            RENEW,
            old.jti,
            old.sha256,
            rotate,
            issue.refresh_jti,
            sha256,
            issue.role.value,
            issue.access_jti,
            issue.issued_at,
            issue.expires_at,
        )
        return added == 1

    async def repeat(self, old: Presented, grace_s: float) -> Issue | None:
        row = await self.database.fetch_one(REPEAT, old.jti, old.sha256, grace_s)
        if row is None:
            return None
        return Issue(
            refresh_jti=row["id"],
            access_jti=row["access_jti"],
            role=Role(row["role"]),
            issued_at=row["issued_at"],
            expires_at=row["expires_at"],
        )

    async def revoke(self, token: Presented) -> None:
        await self.database.execute(REVOKE, token.jti, token.sha256)

    async def end_all(self, user_id: UserId) -> None:
        async with self.database.begin() as tx:
            await end_sessions(tx, user_id)
        await tell(self.database)

    async def ended(self, within_s: float) -> Mapping[UserId, int]:
        rows = await self.database.fetch(ENDED, within_s)
        return {UserId(row["id"]): row["token_version"] for row in rows}


async def end_sessions(tx: Tx, user_id: UserId) -> None:
    """End all tokens of an account, in the transaction of what gives cause for it."""
    await tx.execute(RAISE_VERSION, user_id)
    await tx.execute(REVOKE_ALL, user_id)


async def tell(database: Database) -> None:
    """Tell all processes, after the commit, that tokens ended; those not reached look anyway."""
    with suppress(Unavailable):
        await database.execute(NOTIFY, CHANNEL)


_: type[Sessions] = PostgresSessions
