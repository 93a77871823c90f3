"""How PostgreSQL goes about what is due in a shop of some thousand orders."""

import pytest

from pasar.kit.postgres import PostgresDatabase
from pasar.store_service.payments.postgres import CLAIM_PAYMENTS, CLAIM_REFUNDS
from tests.store_service.shop import Shop

ORDERED = """
WITH placed AS (
    INSERT INTO orders (user_id, total_amount, shipping_address)
    SELECT $1, 20, 'Jalan Pasar 1' FROM generate_series(1, 3000)
    RETURNING id)
, owed AS (INSERT INTO payments (order_id, amount) SELECT id, 20 FROM placed)
, owed_back AS (INSERT INTO refunds (order_id, amount) SELECT id, 20 FROM placed)
INSERT INTO order_status_history (order_id, to_status, actor, request_id)
SELECT id, 'pending', 'buyer', 'req-7' FROM placed
"""


@pytest.mark.parametrize(("sql", "values"), [(CLAIM_PAYMENTS, 6), (CLAIM_REFUNDS, 2)])
async def test_the_request_behind_what_is_due_is_looked_up_and_not_searched_for(
    owner: PostgresDatabase, sql: str, values: int
) -> None:
    await owner.execute(ORDERED, await Shop(owner).buyer())
    await owner.execute("ANALYZE orders, payments, refunds, order_status_history")

    async with owner.begin() as tx:
        await tx.execute(f"PREPARE due AS {sql}")
        nothing = ", ".join(["NULL"] * values)
        rows = await tx.fetch(f"EXPLAIN EXECUTE due ({nothing})")
        await tx.execute("DEALLOCATE due")
    plan = "\n".join(row["QUERY PLAN"] for row in rows)

    assert "using order_status_history_once on" in plan
    assert "Seq Scan on order_status_history" not in plan
