"""A cancelled order gives its stock back at once, and its money as soon as that can be done."""

import httpx

from tests.journeys.people import Person, newcomer, stall
from tests.journeys.shop import Shop
from tests.waiting import eventually

PAID_BACK = """
SELECT count(*) FROM payment.provider_ledger
WHERE order_id = $1::uuid::text AND kind = 'refund' AND amount = 20
"""
KEPT = """
SELECT coalesce(sum(CASE kind WHEN 'charge' THEN amount ELSE -amount END), 0)
FROM payment.provider_ledger WHERE order_id = $1::uuid::text AND approved
"""


async def shows(buyer: Person, order_id: str, *payments: str) -> None:
    """Wait until the cancelled order shows one of these states of its payment."""

    async def so() -> bool:
        order = await buyer.order(order_id)
        assert order["status"] == "cancelled"
        return order["payment"]["status"] in payments

    await eventually(so, within_s=15, what=f"a payment {payments}")


async def test_d23_a_paid_order_that_is_cancelled_is_refunded_once(
    shop: Shop, http: httpx.AsyncClient
) -> None:
    kopi = await (await stall(http)).offers("Kopi", "10", stock=5)
    buyer = await newcomer(http)
    order_id = await buyer.buys(kopi, 2)
    await buyer.sees(order_id, "paid")
    cancelled = await buyer.must("PUT", f"/orders/{order_id}/cancel")
    again = await buyer.ask("PUT", f"/orders/{order_id}/cancel")

    assert cancelled == {"message": "order cancelled"}
    assert (again.status_code, again.json()["errors"][0]["code"]) == (400, "INVALID_STATUS")
    await shows(buyer, order_id, "refunded")
    assert await shop.count(PAID_BACK, order_id) == 1
    assert (await http.get(f"/api/v1/products/{kopi}")).json()["data"]["stock"] == 5


async def test_d23_an_order_cancelled_before_it_was_charged_costs_nothing(
    shop: Shop, http: httpx.AsyncClient
) -> None:
    """Called off or, if its event came first, charged and refunded."""
    kopi = await (await stall(http)).offers("Kopi", "10", stock=5)
    buyer = await newcomer(http)
    shop.payment.stop()
    order_id = await buyer.buys(kopi, 2)
    await buyer.must("PUT", f"/orders/{order_id}/cancel")
    shop.payment.start()
    await shows(buyer, order_id, "failed", "refunded")

    assert await shop.count(KEPT, order_id) == 0
