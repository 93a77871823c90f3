"""From registering to a paid order, over HTTP, through both services and either broker."""

import asyncio

import httpx

from tests.journeys.people import ADDRESS, admin, newcomer, stall
from tests.journeys.shop import Shop
from tests.waiting import eventually


async def test_a_purchase_from_register_to_paid(http: httpx.AsyncClient) -> None:
    kopi = await (await stall(http)).offers("Kopi", "85000.50", stock=10)
    buyer = await newcomer(http)
    page = (await http.get(f"/api/v1/products/{kopi}")).json()["data"]
    assert (page["name"], page["price"], page["stock"]) == ("Kopi", "85000.5", 10)

    await buyer.wants(kopi, 2)
    cart = await buyer.must("GET", "/cart")
    assert cart["total"] == "170001"

    order = await buyer.must("POST", "/orders", ADDRESS)
    assert order["status"] == "pending"
    assert order["payment"]["status"] == "pending"
    assert (await buyer.must("GET", "/cart"))["items"] == []

    paid = await buyer.sees(order["id"], "paid", within_s=3)
    assert paid["payment"]["status"] == "success"
    assert paid["payment"]["amount"] == paid["total_amount"] == "170001"
    assert paid["payment"]["paid_at"] is not None
    assert (await http.get(f"/api/v1/products/{kopi}")).json()["data"]["stock"] == 8


async def test_a_line_can_be_taken_out_of_the_cart_once(http: httpx.AsyncClient) -> None:
    kopi = await (await stall(http)).offers("Kopi", "10", stock=5)
    buyer = await newcomer(http)
    await buyer.wants(kopi)

    emptied = await buyer.must("DELETE", f"/cart/items/{kopi}")
    again = await buyer.ask("DELETE", f"/cart/items/{kopi}")

    assert (emptied["items"], emptied["total"]) == ([], "0")
    assert (again.status_code, again.json()["errors"][0]["message"]) == (
        404, "item not found in cart",
    )  # fmt: skip


async def test_a_sale_from_paid_to_a_review(http: httpx.AsyncClient) -> None:
    shop = await stall(http)
    kopi, buyer = await shop.offers("Kopi", "85000", stock=10), await newcomer(http, "Ana")
    await buyer.wants(kopi)
    cart = await buyer.must("PUT", f"/cart/items/{kopi}", {"quantity": 3})
    assert (cart["items"][0]["quantity"], cart["total"]) == (3, "255000")
    order_id = (await buyer.must("POST", "/orders", ADDRESS))["id"]
    early = await buyer.ask("POST", f"/products/{kopi}/reviews", {"rating": 5})
    assert (early.status_code, early.json()["errors"][0]["message"]) == (
        403, "you must purchase this product before reviewing",
    )  # fmt: skip

    await buyer.sees(order_id, "paid")
    (sold,) = await shop.seller.must("GET", "/seller/orders")
    assert (sold["id"], sold["status"], sold["total_amount"]) == (order_id, "paid", "255000")
    assert "payment" not in sold
    for status in ("processing", "shipping", "shipped"):
        told = await shop.seller.must("PUT", f"/orders/{order_id}/status", {"status": status})
        assert told == {"message": "order status updated"}

    review = await buyer.must("POST", f"/products/{kopi}/reviews", {"rating": 5})
    listed = (await http.get(f"/api/v1/products/{kopi}/reviews")).json()
    assert (review["user_name"], listed["data"]) == ("Ana", [review])
    orders = (await buyer.ask("GET", "/orders?per_page=1")).json()
    assert [(each["id"], each["status"]) for each in orders["data"]] == [(order_id, "shipped")]
    assert orders["meta"]["pagination"] == {
        "current_page": 1, "per_page": 1, "total_items": 1, "total_pages": 1,
    }  # fmt: skip


async def test_c07_c16_c19_each_side_keeps_to_its_own_routes(http: httpx.AsyncClient) -> None:
    """A cancel reads no body; a seller sees orders in the own list only."""
    shop = await stall(http)
    buyer = await newcomer(http)
    order_id = await buyer.buys(await shop.offers("Kopi", "10", stock=5))
    await buyer.sees(order_id, "paid")
    for status in ("processing", "shipping"):
        await shop.seller.must("PUT", f"/orders/{order_id}/status", {"status": status})
    garbage = await http.put(
        f"/api/v1/orders/{order_id}/cancel",
        content=b"\xff{",
        headers={"Authorization": f"Bearer {buyer.token}"},
    )
    refused = [
        await shop.seller.ask("GET", "/orders"),
        await shop.seller.ask("GET", f"/orders/{order_id}"),
        await shop.seller.ask("PUT", f"/orders/{order_id}/cancel"),
        await buyer.ask("GET", "/seller/orders"),
        await buyer.ask("PUT", f"/orders/{order_id}/status", {"status": "shipped"}),
    ]

    assert (garbage.status_code, garbage.json()["errors"]) == (
        400,
        [{"code": "INVALID_STATUS", "message": "cannot cancel order with status shipping"}],
    )
    assert {(one.status_code, one.json()["errors"][0]["message"]) for one in refused} == {
        (403, "insufficient permissions")
    }


async def test_d22_a_declined_payment_cancels_the_order_and_gives_the_stock_back(
    http: httpx.AsyncClient,
) -> None:
    """The mock bank declines totals that end in .13."""
    batik = await (await stall(http)).offers("Batik", "10.13", stock=3)
    buyer = await newcomer(http)
    order_id = await buyer.buys(batik)

    cancelled = await buyer.sees(order_id, "cancelled")
    assert cancelled["payment"]["status"] == "failed"
    assert (await http.get(f"/api/v1/products/{batik}")).json()["data"]["stock"] == 3


async def test_two_hundred_buyers_of_a_hundred_units_get_exactly_a_hundred(
    shop: Shop, http: httpx.AsyncClient
) -> None:
    teh = await (await stall(http)).offers("Teh", "32000", stock=100)
    buyers = await asyncio.gather(*(newcomer(http) for _ in range(200)))
    await asyncio.gather(*(buyer.wants(teh) for buyer in buyers))

    answers = await asyncio.gather(*(buyer.ask("POST", "/orders", ADDRESS) for buyer in buyers))
    refusals = [answer.json()["errors"] for answer in answers if answer.status_code == 400]
    shortage = {"code": "VALIDATION_ERROR", "message": "insufficient stock for product Teh"}

    assert sorted(answer.status_code for answer in answers) == [201] * 100 + [400] * 100
    assert refusals == [[shortage]] * 100
    assert (await http.get(f"/api/v1/products/{teh}")).json()["data"]["stock"] == 0
    sold = "SELECT -sum(delta) FROM stock_ledger WHERE product_id = $1 AND kind = 'sale'"
    assert await shop.count(sold, teh) == 100
    for buyer, answer in zip(buyers, answers, strict=True):
        if answer.status_code == 201:
            await buyer.sees(answer.json()["data"]["id"], "paid", within_s=30)


async def test_one_request_id_leads_from_the_checkout_to_the_settlement(
    shop: Shop, http: httpx.AsyncClient
) -> None:
    kopi = await (await stall(http)).offers("Kopi", "5", stock=5)
    buyer = await newcomer(http)
    await buyer.wants(kopi)
    request_id = f"journey/{buyer.email}"
    answer = await buyer.ask("POST", "/orders", ADDRESS, **{"X-Request-ID": request_id})
    order_id = answer.json()["data"]["id"]
    await buyer.sees(order_id, "paid")

    def said(command: str) -> set[str]:
        lines = (shop.store if command == "store" else shop.payment).lines()
        return {line["message"] for line in lines if line.get("request_id") == request_id}

    async def all_said() -> bool:  # lines wait some milliseconds for company
        by_store = {"request completed", "event sent", "payment result"}
        return by_store <= said("store") and {"charge decided", "event sent"} <= said("payment")

    assert answer.headers["X-Request-ID"] == request_id
    await eventually(all_said, within_s=2, what="a log line of each step")
    recorded = "SELECT count(*) FROM order_status_history WHERE request_id = $1"
    assert await shop.count(recorded, request_id) == 2


async def test_a_new_seller_sells_only_after_the_next_login(http: httpx.AsyncClient) -> None:
    owner = await newcomer(http, "Owner")
    await owner.must("POST", "/stores", {"name": "Rumah Batik"})
    category = await (await admin(http)).must("POST", "/categories", {"name": owner.email})
    product = {"name": "Kain", "price": "1", "category_id": category["id"]}

    early = await owner.ask("POST", "/products", product)
    later = await (await owner.logged_in()).ask("POST", "/products", product)

    assert (early.status_code, later.status_code) == (403, 201)
    assert (await owner.ask("GET", "/cart")).status_code == 200


async def test_the_service_serves_its_own_description(http: httpx.AsyncClient) -> None:
    page = await http.get("/docs")
    description = await http.get("/docs/swagger.json")

    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "/api/v1/orders" in description.json()["paths"]
