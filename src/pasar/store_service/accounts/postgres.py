"""Accounts and sessions in PostgreSQL."""

from typing import Final

from pasar.kit.database import ConstraintViolated, Database, Row, Tx
from pasar.store_service.accounts.model import Account, EmailTaken, NewUser, Session, User
from pasar.store_service.accounts.repository import Sessions, Users
from pasar.store_service.identity import Role, UserId

# The contract's key on `email` speaks first when the spelling is the same, ours in any other case.
_ADDRESS_KEYS: Final = frozenset({"users_email_key", "users_email_key_unique"})

INSERT_USER: Final = """
INSERT INTO users (id, email, email_key, name, role, password)
VALUES ($1, $2::text, lower($2::text), $3, $4, $5)
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

# Compare and set: a password changed meanwhile stays. Not a change of the user, so no `updated_at`.
REHASH: Final = "UPDATE users SET password = $3 WHERE id = $1 AND password = $2"

MAKE_SELLER: Final = """
UPDATE users SET role = 'seller', updated_at = now() WHERE id = $1 AND role = 'buyer'
"""

SAVE_ADMIN: Final = """
INSERT INTO users AS u (id, email, email_key, name, role, password)
VALUES ($1, $2::text, lower($2::text), $3, $4, $5)
ON CONFLICT (email_key) DO UPDATE
SET name = excluded.name, password = excluded.password, disabled_at = NULL,
    token_version = u.token_version + 1, updated_at = now()
WHERE u.role = excluded.role
RETURNING id, email, name, role, created_at, updated_at
"""

DISABLE: Final = """
UPDATE users
SET disabled_at = now(), token_version = token_version + 1, updated_at = now()
WHERE id = $1 AND disabled_at IS NULL
"""

# Disabling, a new password and logout everywhere raise `token_version`: a login that began before
# opens nothing.
OPEN_SESSION: Final = """
WITH family AS (
    INSERT INTO refresh_families (id, user_id, address_key)
    SELECT $1, id, $2 FROM users WHERE id = $3 AND token_version = $4
    RETURNING id)
INSERT INTO refresh_tokens
    (id, family_id, token_sha256, role, access_jti, issued_at, expires_at)
SELECT $5::uuid, id, $6::bytea, $7, $8::uuid, $9::timestamptz, $10::timestamptz FROM family
"""


class PostgresUsers:
    def __init__(self, database: Database) -> None:
        self.database = database

    async def insert(self, new: NewUser) -> User:
        return _user(await self._write(INSERT_USER, new))

    async def find(self, email: str) -> Account | None:
        row = await self.database.fetch_one(FIND_ACCOUNT, email)
        if row is None:
            return None
        return Account(_user(row), row["password"], row["token_version"], row["disabled"])

    async def rehash(self, user_id: UserId, old_hash: str, new_hash: str) -> None:
        await self.database.execute(REHASH, user_id, old_hash, new_hash)

    async def make_seller(self, tx: Tx, user_id: UserId) -> None:
        await tx.execute(MAKE_SELLER, user_id)

    async def save_admin(self, new: NewUser) -> User:
        return _user(await self._write(SAVE_ADMIN, new))

    async def disable(self, user_id: UserId) -> None:
        await self.database.execute(DISABLE, user_id)

    async def _write(self, sql: str, new: NewUser) -> Row:
        values = (new.id, new.email, new.name, new.role.value, new.password_hash)
        try:
            row = await self.database.fetch_one(sql, *values)
        except ConstraintViolated as violated:
            if violated.constraint in _ADDRESS_KEYS:
                raise EmailTaken from violated
            raise
        if row is None:
            raise EmailTaken
        return row


class PostgresSessions:
    def __init__(self, database: Database) -> None:
        self.database = database

    async def insert(self, session: Session) -> bool:
        kept = await self.database.execute(
            OPEN_SESSION,
            session.family_id,
            session.address,
            session.user_id,
            session.token_version,
            session.refresh_jti,
            session.token_sha256,
            session.role.value,
            session.access_jti,
            session.issued_at,
            session.expires_at,
        )
        return kept == 1


def _user(row: Row) -> User:
    return User(
        id=UserId(row["id"]),
        email=row["email"],
        name=row["name"],
        role=Role(row["role"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


_: tuple[type[Users], type[Sessions]] = (PostgresUsers, PostgresSessions)
