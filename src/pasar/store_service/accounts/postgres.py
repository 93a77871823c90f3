"""Accounts and their failed logins in PostgreSQL; right ones open `postgres_sessions.py`."""

from typing import Final

from pasar.kit.database import ConstraintViolated, Database, Queries, Row, Tx
from pasar.store_service.accounts.model import Account, EmailTaken, NewUser, TooManyFailures, User
from pasar.store_service.accounts.postgres_sessions import end_sessions, tell
from pasar.store_service.accounts.repository import LoginWindows, Users
from pasar.store_service.identity import Role, UserId

# The contract's key on `email` speaks first when the spelling is the same, ours in any other case.
_ADDRESS_KEYS: Final = frozenset({"users_email_key", "users_email_key_unique"})

# The key on `email_key` refuses other spellings, save those of migrated addresses that differ in
# case only: they have no key and never become more, so looking (idx_users_without_key) is enough.
INSERT_USER: Final = """
INSERT INTO users (id, email, email_key, name, role, password)
SELECT $1, $2::text, lower($2::text), $3, $4, $5
WHERE NOT EXISTS (SELECT FROM users WHERE email_key IS NULL AND lower(email) = lower($2::text))
RETURNING id, email, name, role, created_at, updated_at
"""

# Two look-ups in unique indexes. `email_key` is unique too, hence at most one row of another case;
# migrated addresses that differ in case only have none and are found by their exact spelling.
FIND_ACCOUNT: Final = """
SELECT id, email, name, role, created_at, updated_at, password, token_version,
       disabled_at IS NOT NULL AS disabled
FROM users
WHERE email = $1::text OR email_key = lower($1::text)
ORDER BY email = $1::text DESC
LIMIT 1
"""

FIND_ACCOUNT_BY_ID: Final = """
SELECT id, email, name, role, created_at, updated_at, password, token_version,
       disabled_at IS NOT NULL AS disabled
FROM users
WHERE id = $1
"""

# Compare and set: a password changed meanwhile stays. Not a change of the user, so no `updated_at`.
REHASH: Final = "UPDATE users SET password = $3 WHERE id = $1 AND password = $2"

MAKE_SELLER: Final = """
UPDATE users SET role = 'seller', updated_at = now() WHERE id = $1 AND role = 'buyer'
"""

SAVE_ADMIN: Final = """
INSERT INTO users AS u (id, email, email_key, name, role, password)
SELECT $1, $2::text, lower($2::text), $3, $4, $5
WHERE NOT EXISTS (SELECT FROM users WHERE email_key IS NULL AND lower(email) = lower($2::text))
ON CONFLICT (email_key) DO UPDATE
SET name = excluded.name, password = excluded.password, disabled_at = NULL, updated_at = now()
WHERE u.role = excluded.role
RETURNING id, email, name, role, created_at, updated_at
"""

DISABLE: Final = """
UPDATE users SET disabled_at = now(), updated_at = now() WHERE id = $1 AND disabled_at IS NULL
"""

# The lock lasts until ADMIT is committed; ADMIT, a statement of its own, sees what the tries before
# left. Indexes: users' two addresses, families by user.
ENTER_WINDOW: Final = """
SELECT pg_advisory_xact_lock(hashtextextended('login:' || lower($1::text), 0)),
       EXISTS (
           SELECT FROM users u JOIN refresh_families f ON f.user_id = u.id
           WHERE (u.email = $1::text OR u.email_key = lower($1::text)) AND f.address_key = $2
             AND f.created_at > now() - interval '30 days') AS known
"""

# Hashed, as people type passwords into the wrong field too.
ADMIT: Final = """
WITH account AS (SELECT sha256(convert_to(lower($1::text), 'UTF8')) AS key)
, recent AS (
    SELECT f.at FROM account a JOIN login_failures f ON f.account_key = a.key
    WHERE f.address_key = $2 AND f.at > now() - make_interval(secs => $4))
, counted AS (
    INSERT INTO login_failures (account_key, address_key)
    SELECT key, $2 FROM account WHERE (SELECT count(*) FROM recent) < $3
    RETURNING id)
SELECT (SELECT id FROM counted) AS attempt,
       (SELECT ceil(extract(epoch FROM min(at) - now()) + $4)::integer FROM recent) AS retry_after_s
"""

FORGIVE: Final = "DELETE FROM login_failures WHERE id = $1"

SWEEP_FAILURES: Final = """
DELETE FROM login_failures WHERE id IN (
    SELECT id FROM login_failures
    WHERE at < now() - make_interval(secs => $2)
    LIMIT $1
    FOR UPDATE SKIP LOCKED)
"""

_STRANGERS: Final = ""  # instead of an address: the window that all unknown ones share


class PostgresUsers:
    def __init__(self, database: Database) -> None:
        self.database = database

    async def insert(self, new: NewUser) -> User:
        return await _write(self.database, INSERT_USER, new)

    async def find(self, email: str) -> Account | None:
        return _account(await self.database.fetch_one(FIND_ACCOUNT, email))

    async def find_by_id(self, user_id: UserId) -> Account | None:
        return _account(await self.database.fetch_one(FIND_ACCOUNT_BY_ID, user_id))

    async def rehash(self, user_id: UserId, old_hash: str, new_hash: str) -> None:
        await self.database.execute(REHASH, user_id, old_hash, new_hash)

    async def make_seller(self, tx: Tx, user_id: UserId) -> None:
        await tx.execute(MAKE_SELLER, user_id)

    async def save_admin(self, new: NewUser) -> User:
        async with self.database.begin() as tx:
            admin = await _write(tx, SAVE_ADMIN, new)
            await end_sessions(tx, admin.id)
        await tell(self.database)
        return admin

    async def disable(self, user_id: UserId) -> None:
        async with self.database.begin() as tx:
            if await tx.execute(DISABLE, user_id):
                await end_sessions(tx, user_id)
        await tell(self.database)


class PostgresLoginWindows:
    """Admits at most `limit` tries, forgiven ones not counted, in any `window_s` seconds."""

    def __init__(self, database: Database, *, limit: int, window_s: float) -> None:
        self.database = database
        self.limit = limit
        self.window_s = window_s

    async def admit(self, email: str, address: str) -> int:
        async with self.database.begin() as tx:
            (entered,) = await tx.fetch(ENTER_WINDOW, email, address)
            window = address if entered["known"] else _STRANGERS
            (row,) = await tx.fetch(ADMIT, email, window, self.limit, self.window_s)
        attempt: int | None = row["attempt"]
        if attempt is None:
            raise TooManyFailures(max(1, row["retry_after_s"]))
        return attempt

    async def forgive(self, attempt: int) -> None:
        await self.database.execute(FORGIVE, attempt)


async def _write(session: Queries, sql: str, new: NewUser) -> User:
    values = (new.id, new.email, new.name, new.role.value, new.password_hash)
    try:
        row = await session.fetch_one(sql, *values)
    except ConstraintViolated as violated:
        if violated.constraint in _ADDRESS_KEYS:
            raise EmailTaken from violated
        raise
    if row is None:
        raise EmailTaken
    return _user(row)


def _account(row: Row | None) -> Account | None:
    if row is None:
        return None
    return Account(_user(row), row["password"], row["token_version"], row["disabled"])


def _user(row: Row) -> User:
    return User(
        id=UserId(row["id"]),
        email=row["email"],
        name=row["name"],
        role=Role(row["role"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


_: tuple[type[Users], type[LoginWindows]] = (PostgresUsers, PostgresLoginWindows)
