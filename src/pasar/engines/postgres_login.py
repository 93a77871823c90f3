"""
What the launcher says to a PostgreSQL server: is it usable, and the accounts of our own one.

No pool, no queries of the shop: those live in `kit/postgres.py`.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

import asyncpg

from pasar.engines.errors import EngineError, Refused, StartingUp

GREET_LIMIT_S: Final = 2.0
OLDEST_VERSION: Final = 15
OWNER: Final = "pasar_owner"  # superuser of the embedded server, used by the launcher alone
_ACCOUNTS_LIMIT_S: Final = 30.0  # CREATE DATABASE copies 8 MB, on a loaded disk that takes a while

_ROLE_EXISTS: Final = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)"
_DATABASE_EXISTS: Final = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)"
# These statements take no parameters, so the server itself quotes the names.
_ROLE: Final = """
SELECT format('%s ROLE %I LOGIN CREATEDB CREATEROLE NOSUPERUSER PASSWORD %L',
              $1::text, $2::text, $3::text)
"""
_DATABASE: Final = "SELECT format($1::text, $2::text, $3::text)"


Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
SslMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresLogin:
    """Where and as whom; `sslmode` as libpq names it."""

    host: str
    port: int
    user: str
    password: str
    database: str
    sslmode: SslMode = "disable"


async def greet(login: PostgresLogin) -> str:
    """
    Log in, run `SELECT 1` and return the server's version, for instance "18.6".

    Raises:
        StartingUp: it recovers or shuts down.
        Refused: it does not let us in, or is older than version 15.
        OSError: nobody answers as PostgreSQL within 2 s.
    """
    try:
        async with asyncio.timeout(GREET_LIMIT_S):
            async with _connected(login) as connection:
                await connection.fetchval("SELECT 1")
                major = connection.get_server_version().major
                version: str = connection.get_settings().server_version
    except asyncpg.CannotConnectNowError as fault:
        raise StartingUp(str(fault)) from None
    except asyncpg.ClientConfigurationError as fault:
        raise Refused(f"cannot be asked: {fault}") from None
    except (asyncpg.PostgresConnectionError, asyncpg.InterfaceError) as fault:
        raise ConnectionError(str(fault)) from None
    except asyncpg.PostgresError as fault:
        raise Refused(f"refuses the login: {fault}") from None
    if major < OLDEST_VERSION:
        raise Refused(f"is PostgreSQL {version}, too old: {OLDEST_VERSION} or later is needed")
    return version.split(maxsplit=1)[0]


async def make_accounts(owner: PostgresLogin, account: PostgresLogin) -> None:
    """
    Create or update the role and the database that the services use, and `pg_stat_statements`.

    Runs at each start: a changed password counts from then on. The extension is not a trusted
    one, so the database's owner could not create it in a migration. Raises EngineError.
    """
    try:
        async with asyncio.timeout(_ACCOUNTS_LIMIT_S):
            async with _connected(owner) as server:
                await _make_role_and_database(server, account)
            async with _connected(replace(owner, database=account.database)) as database:
                await database.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as fault:
        raise EngineError(f"cannot set up the accounts of PostgreSQL: {fault}") from None


async def _make_role_and_database(server: Connection, account: PostgresLogin) -> None:
    # Else the statement below would be kept with the password in it.
    await server.execute("SET pg_stat_statements.track_utility = off")
    known = await server.fetchval(_ROLE_EXISTS, account.user)
    verb = "ALTER" if known else "CREATE"
    await server.execute(await server.fetchval(_ROLE, verb, account.user, account.password))
    known = await server.fetchval(_DATABASE_EXISTS, account.database)
    change = "ALTER DATABASE %I OWNER TO %I" if known else "CREATE DATABASE %I OWNER %I"
    await server.execute(await server.fetchval(_DATABASE, change, account.database, account.user))


@asynccontextmanager
async def _connected(login: PostgresLogin) -> AsyncGenerator[Connection, None]:
    connection: Connection = await asyncpg.connect(
        host=login.host,
        port=login.port,
        user=login.user,
        password=login.password,
        database=login.database,
        ssl=login.sslmode,
        timeout=GREET_LIMIT_S,
    )
    try:
        yield connection
    finally:
        connection.terminate()
