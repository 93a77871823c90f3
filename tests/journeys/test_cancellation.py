"""A cancelled order gives its stock back at once, and owes the money that was or will be taken."""

import httpx

from tests.journeys.people import eventually, newcomer, stall
from tests.journeys.shop import Shop

OWED = "SELECT count(*) FROM refunds WHERE order_id = $1 AND amount = 20 AND status = 'pending'"


async def test_d23_a_paid_order_that_is_cancelled_is_owed_back_once(
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
    assert await shop.count(OWED, order_id) == 1
    assert (await http.get(f"/api/v1/products/{kopi}")).json()["data"]["stock"] == 5


async def test_d23_money_that_comes_after_the_cancellation_is_owed_back_and_the_order_stays(
    shop: Shop, http: httpx.AsyncClient
) -> None:
    kopi = await (await stall(http)).offers("Kopi", "10", stock=5)
    buyer = await newcomer(http)
    shop.payment.stop()
    order_id = await buyer.buys(kopi, 2)
    await buyer.must("PUT", f"/orders/{order_id}/cancel")
    shop.payment.start()

    async def owed() -> bool:
        return await shop.count(OWED, order_id) == 1

    await eventually(owed, what="a refund for the late payment")
    order = await buyer.order(order_id)
    assert (order["status"], order["payment"]["status"]) == ("cancelled", "success")
