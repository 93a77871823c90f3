"""Every SQL constant fits the migrated schema and the rights of the role that runs it."""

import pytest

from pasar.audit.invariants import INVARIANTS
from pasar.kit.postgres import PostgresDatabase
from tests.house.statements import Statement, statements

SEEN_BY = {
    "store_service": ["database"],
    "payment_service": ["payment_database"],
    "kit": ["database", "payment_database"],
    "kit.idempotency": ["database"],
    "audit": ["owner"],
    "cli": ["owner"],
    "engines": ["owner"],
}


def planned_as(name: str) -> list[Statement]:
    audited = [Statement("audit.invariants", one.name, one.sql) for one in INVARIANTS]
    return [
        statement
        for statement in (*statements(), *audited)
        if name in (SEEN_BY.get(statement.module) or SEEN_BY[statement.module.partition(".")[0]])
    ]


@pytest.fixture(params=["database", "payment_database", "owner"])
def seen_by(request: pytest.FixtureRequest) -> tuple[str, PostgresDatabase]:
    return request.param, request.getfixturevalue(request.param)


async def test_every_statement_is_understood_and_allowed(
    seen_by: tuple[str, PostgresDatabase],
) -> None:
    """EXPLAIN checks names, types and grants, and leaves the parameters open."""
    name, session = seen_by
    refused = {}
    for statement in planned_as(name):
        try:
            await session.execute(f"EXPLAIN (GENERIC_PLAN) {statement.sql}")
        except Exception as fault:  # noqa: BLE001  whatever it is, its text is the finding
            refused[str(statement)] = str(fault)

    assert refused == {}


def test_the_statements_are_found() -> None:
    found = {str(statement) for statement in statements()}

    assert {"kit.outbox.CLAIM", "store_service.orders.postgres.CHECKOUT"} <= found
    assert {statement.module.partition(".")[0] for statement in statements()} <= set(SEEN_BY)
