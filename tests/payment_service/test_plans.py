"""A charge is found by its key, also while thousands are pending and the table is new."""

import pytest

from pasar.kit.outbox import CLAIM, SENT
from pasar.kit.postgres import PostgresDatabase
from pasar.payment_service.mock_bank import FIND_ENTRY, RECORD
from pasar.payment_service.postgres import FIND, INSERT, REMIND, SETTLE
from tests.fixtures.plans import lasting_plan

PENDING = """
INSERT INTO charges (order_id, payment_id, method, amount, currency, status, next_at)
SELECT n, n, 'mock', 1, 'IDR', 'pending', now() FROM generate_series(1, 3000) AS n
"""
BY_KEY = {
    "INSERT": INSERT,
    "FIND": FIND,
    "REMIND": REMIND,
    "SETTLE": SETTLE,
    "RECORD": RECORD,
    "FIND_ENTRY": FIND_ENTRY,
    "CLAIM": CLAIM,
    "SENT": SENT,
}


@pytest.mark.parametrize("statement", BY_KEY)
@pytest.mark.parametrize("pending", ["none", "many"])
async def test_a_statement_looks_at_its_own_rows_and_not_at_all_that_are_pending(
    payment_database: PostgresDatabase, statement: str, pending: str
) -> None:
    if pending == "many":
        await payment_database.execute(PENDING)

    plan = await lasting_plan(payment_database, BY_KEY[statement])

    assert "Seq Scan" not in plan
    assert "idx_charges_pending" not in plan
