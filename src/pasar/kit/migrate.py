"""
Schema changes: one Alembic history per folder, schema and version table, without ini or env file.

The migrations themselves are SQL text in `store_service/migrations/` and
`payment_service/migrations/`. They run with the rights of the login, not of a service's role.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, MigrationStep
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateSchema

from pasar.kit.postgres import PostgresSettings, connect

# One statement may rewrite a large table of an adopted database.
_STATEMENT_LIMIT_S: Final = 600.0

# Of the session: it spans the revisions' transactions and ends with the connection. Waiting for
# another run may last as long as that run; SET LOCAL leaves the short limit to the tables' locks.
_ONE_AT_A_TIME: Final = (
    "SET LOCAL lock_timeout = 0",
    "SELECT pg_advisory_lock(hashtextextended('pasar migrate', 0))",
)

ResultT = TypeVar("ResultT")
Revisions = tuple[str, ...]
Plan = Callable[[ScriptDirectory, Revisions], list[MigrationStep]]


async def upgrade(settings: PostgresSettings, folder: Path, schema: str) -> None:
    """
    Bring the schema to the newest revision, each in its own transaction.

    A second run at the same time waits for the first and finds nothing to do. Raises SQLAlchemy's
    and asyncpg's errors; revisions committed before the faulty one stay.
    """

    def ahead(script: ScriptDirectory, now: Revisions) -> list[MigrationStep]:
        newest_first = script.iterate_revisions("head", now, implicit_base=True)
        step = partial(MigrationStep.upgrade_from_script, script.revision_map)
        return [step(revision) for revision in reversed(list(newest_first))]

    await _change(settings, folder, schema, ahead)


async def downgrade(
    settings: PostgresSettings, folder: Path, schema: str, revision: str = "base"
) -> None:
    """Undo the newest revisions down to the given one, each in its own transaction."""

    def behind(script: ScriptDirectory, now: Revisions) -> list[MigrationStep]:
        newest_first = script.iterate_revisions(now, revision, select_for_downgrade=True)
        step = partial(MigrationStep.downgrade_from_script, script.revision_map)
        return [step(revision) for revision in newest_first]

    await _change(settings, folder, schema, behind)


async def current(settings: PostgresSettings, schema: str) -> str | None:
    """Return the revision the database is at; None before the first one."""

    def ask(connection: Connection) -> str | None:
        options = {"version_table_schema": schema}
        return MigrationContext.configure(connection, opts=options).get_current_revision()

    return await _connected(settings, schema, ask)


def head(folder: Path) -> str | None:
    """Return the newest revision of the folder, without a database; None if it is empty."""
    return _script(folder).get_current_head()


async def _change(settings: PostgresSettings, folder: Path, schema: str, plan: Plan) -> None:
    script = _script(folder)

    def steps(now: Revisions, _context: MigrationContext) -> list[MigrationStep]:
        return plan(script, now)

    def run(connection: Connection) -> None:
        for sql in _ONE_AT_A_TIME:
            connection.execute(text(sql))
        if not inspect(connection).has_schema(schema):
            connection.execute(CreateSchema(schema))
        connection.commit()
        with EnvironmentContext(Config(), script, fn=steps) as environment:
            environment.configure(
                connection, version_table_schema=schema, transaction_per_migration=True
            )
            environment.run_migrations()

    await _connected(settings, schema, run)


async def _connected(
    settings: PostgresSettings, schema: str, use: Callable[[Connection], ResultT]
) -> ResultT:
    session = replace(
        settings, role="none", search_path=schema, statement_timeout_s=_STATEMENT_LIMIT_S
    )
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=partial(connect, session), poolclass=NullPool
    )
    async with engine.connect() as connection:
        return await connection.run_sync(use)


def _script(folder: Path) -> ScriptDirectory:
    return ScriptDirectory(folder, version_locations=[folder])
