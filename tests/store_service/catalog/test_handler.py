"""The catalogue over HTTP: what the contract's tables say, in the order in which they say it."""

import asyncio
from uuid import uuid4

import pytest

from tests.store_service.catalog.conftest import Service

UNKNOWN = str(uuid4())


async def names(service: Service, query: str = "") -> list[str]:
    found = await service.ask("GET", f"/products?{query}")
    return [product["name"] for product in found.data]


async def test_d02_an_empty_list_is_a_list(service: Service) -> None:
    products = await service.ask("GET", "/products")
    categories = await service.ask("GET", "/categories")

    assert (products.data, categories.data) == ([], [])
    assert products.body["meta"]["pagination"] == {
        "current_page": 1, "per_page": 10, "total_items": 0, "total_pages": 0,
    }  # fmt: skip
    assert "pagination" not in categories.body["meta"]


async def test_the_list_shows_products_as_their_page_does(service: Service) -> None:
    lamp = await service.shop.product(price="10.50")
    page = await service.ask("GET", f"/products/{lamp}")

    assert (await service.ask("GET", "/products")).data == [page.data]
    assert page.data["price"] == "10.5"


async def test_d37_a_page_past_the_end_is_empty_and_echoed(service: Service) -> None:
    await service.shop.product()
    far = await service.ask("GET", "/products?page=1" + "0" * 30 + "&per_page=1000000")

    assert far.data == []
    assert far.body["meta"]["pagination"] == {
        "current_page": 2147483647, "per_page": 100, "total_items": 1, "total_pages": 1,
    }  # fmt: skip


@pytest.mark.parametrize("query", ["min_price=cheap", "max_price=NaN", "min_price=1e100000000",
    "sort_by=magic", "sort_order=ASC", "page=x&per_page=-1", "search="])  # fmt: skip
async def test_d39_what_cannot_be_read_is_ignored(service: Service, query: str) -> None:
    await service.shop.product(name="old")
    await service.shop.product(name="new")

    assert await names(service, query) == ["new", "old"]


@pytest.mark.parametrize(
    ("query", "field", "message"),
    [
        ("category_id=none&store_id=none", "category_id", "invalid category_id"),
        ("store_id=none", "store_id", "invalid store_id"),
        ("search=a%00b", "search", "contains invalid characters"),
    ],
)
async def test_d07_d15_a_filter_that_is_no_id_is_told(
    service: Service, query: str, field: str, message: str
) -> None:
    refused = await service.ask("GET", f"/products?{query}")

    assert refused.fault == (400, "VALIDATION_ERROR", field, message)


async def test_h38_odd_searches_are_answered_quietly(service: Service) -> None:
    await service.shop.product(name="100% cotton_shirt")
    odd = ["%25_%25_", "x" * 10_000, "%5C", "'", "(((", "%F0%9F%92%A9" * 3]
    lengthy = await service.ask("GET", "/products?sort_by=relevance&search=" + "ab%20" * 2000)

    assert [await names(service, f"search={text}") for text in odd] == [[]] * len(odd)
    assert lengthy.data == []
    assert await names(service, "search=100%25%20COTTON_s") == ["100% cotton_shirt"]


async def test_an_edit_changes_what_was_sent_and_nothing_else(service: Service) -> None:
    lamp, seller = await service.shop.product(stock=7), await service.seller()
    path = f"/products/{lamp}"
    before = (await service.ask("GET", path)).data
    sent = {"name": "", "price": "12.00", "stock": 0, "description": None}
    edited = (await service.ask("PUT", path, sent, role="seller", caller=seller)).data

    assert edited == {**before, "price": "12", "stock": 0, "updated_at": edited["updated_at"]}
    assert (await service.ask("GET", path)).data == edited
    assert await service.shop.broken_books() == []


async def test_an_empty_edit_moves_the_time_only(service: Service) -> None:
    lamp, seller = await service.shop.product(), await service.seller()
    before = (await service.ask("GET", f"/products/{lamp}")).data
    after = (await service.ask("PUT", f"/products/{lamp}", {}, role="seller", caller=seller)).data

    assert after["updated_at"] > before["updated_at"]
    assert {**after, "updated_at": ""} == {**before, "updated_at": ""}


async def test_refusals_of_an_edit_come_in_the_contracts_order(service: Service) -> None:
    mine, seller = await service.shop.product(), await service.seller()
    foreign = await service.shop.product(store=await service.shop.store())
    wrong = {"price": "-1", "category_id": "none", "stock": -1}

    async def fault(product: object, body: dict[str, object], caller: object = seller) -> object:
        path = f"/products/{product}"
        assert caller is None or caller is seller
        asker = seller if caller else None
        return (await service.ask("PUT", path, body, role="seller", caller=asker)).fault

    invalid, missing = (400, "VALIDATION_ERROR"), (404, "NOT_FOUND")
    assert await fault("x", {"name": " "}) == (*invalid, None, "invalid product id")
    assert await fault(UNKNOWN, {"name": " "}) == (*invalid, "name", "is required")
    assert await fault(UNKNOWN, wrong, None) == (*missing, None, "store not found for this user")
    assert await fault(UNKNOWN, wrong) == (*missing, None, "product not found")
    forbidden = (403, "FORBIDDEN", None, "forbidden: not product owner")
    assert await fault(foreign, wrong) == forbidden
    assert await fault(mine, wrong) == (*invalid, "price", "invalid price")
    del wrong["price"]
    assert await fault(mine, wrong) == (*invalid, "category_id", "invalid category_id")
    wrong["category_id"] = UNKNOWN
    sentence = "must be between 0 and 2147483647"
    assert await fault(mine, wrong) == (*invalid, "stock", sentence)
    wrong["stock"] = 1
    assert await fault(mine, wrong) == (*missing, "category_id", "category not found")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        *[({"stock": stock}, 200) for stock in (0, 1, 2**31 - 1)],
        *[({"stock": stock}, 400) for stock in (-1, 2**31, 2**63 - 1, 2**63, True, "1", 1.5)],
        *[({"price": text}, 200) for text in ("0", "0.010", "9999999999999.99", "1e2", "+.5")],
        *[({"price": text}, 400) for text in ("-0.01", "0.001", "1e400", "NaN", "1e13", 5)],
        ({"price": "1" * 33}, 400),
    ],
)
async def test_h21_boundaries_of_an_edit(
    service: Service, body: dict[str, object], status: int
) -> None:
    lamp, seller = await service.shop.product(), await service.seller()
    answer = await service.ask("PUT", f"/products/{lamp}", body, role="seller", caller=seller)

    assert answer.status == status
    assert await service.shop.broken_books() == []


async def test_d25_an_edit_is_seen_in_the_cart_at_once(service: Service) -> None:
    lamp, seller = await service.shop.product(price="10"), await service.seller()
    buyer = await service.shop.buyer()
    line = {"product_id": str(lamp), "quantity": 2}
    await service.ask("POST", "/cart/items", line, role="buyer", caller=buyer)
    change = {"price": "12.50", "name": "Lantern"}
    await service.ask("PUT", f"/products/{lamp}", change, role="seller", caller=seller)
    cart = (await service.ask("GET", "/cart", role="buyer", caller=buyer)).data

    assert cart["total"] == "25"
    assert [item["name"] for item in cart["items"]] == ["Lantern"]


async def test_d13_a_product_in_carts_and_orders_is_deleted_from_all_but_the_orders(
    service: Service,
) -> None:
    lamp, seller = await service.shop.product(), await service.seller()
    buyer, line = await service.shop.buyer(), {"product_id": str(lamp), "quantity": 1}
    await service.ask("POST", "/cart/items", line, role="buyer", caller=buyer)
    address = {"shipping_address": "Jalan Pasar 1"}
    order = (await service.ask("POST", "/orders", address, role="buyer", caller=buyer)).data
    await service.ask("POST", "/cart/items", line, role="buyer", caller=buyer)
    path = f"/products/{lamp}"
    deleted = await service.ask("DELETE", path, role="seller", caller=seller)
    kept = await service.ask("GET", f"/orders/{order['id']}", role="buyer", caller=buyer)

    assert deleted.data == {"message": "product deleted"}
    gone = (404, "NOT_FOUND", None, "product not found")
    assert (await service.ask("GET", path)).fault == gone
    assert (await service.ask("DELETE", path, role="seller", caller=seller)).fault == gone
    assert (await service.ask("PUT", path, {}, role="seller", caller=seller)).fault == gone
    refused = await service.ask("POST", "/cart/items", line, role="buyer", caller=buyer)
    assert refused.fault == gone
    assert str(lamp) not in [each["id"] for each in (await service.ask("GET", "/products")).data]
    assert (await service.ask("GET", "/cart", role="buyer", caller=buyer)).data["items"] == []
    assert await service.shop.number("SELECT count(*)::int AS n FROM cart_items") == 0
    assert [item["product_id"] for item in kept.data["items"]] == [str(lamp)]
    assert await service.shop.broken_books() == []


async def test_nobody_deletes_what_is_not_theirs(service: Service) -> None:
    lamp = await service.shop.product()
    stranger = await service.ask("DELETE", f"/products/{lamp}", role="seller")
    buyer = await service.ask("DELETE", f"/products/{lamp}", role="buyer")
    await service.shop.store()
    row = await service.database.fetch_one(
        "SELECT user_id FROM stores WHERE id <> $1", service.shop.default_store
    )
    assert row is not None
    other = await service.ask("DELETE", f"/products/{lamp}", role="seller", caller=row["user_id"])

    assert stranger.fault == (404, "NOT_FOUND", None, "store not found for this user")
    assert buyer.fault == (403, "FORBIDDEN", None, "insufficient permissions")
    assert other.fault == (403, "FORBIDDEN", None, "forbidden: not product owner")
    assert (await service.ask("GET", f"/products/{lamp}")).status == 200


async def test_categories_are_listed_renamed_and_deleted(service: Service) -> None:
    made = [
        (await service.ask("POST", "/categories", {"name": name}, role="admin")).data
        for name in ("Tea", "Coffee")
    ]
    path = f"/categories/{made[0]['id']}"
    listed = (await service.ask("GET", "/categories")).data
    touched = (await service.ask("PUT", path, {"name": ""}, role="admin")).data
    renamed = (await service.ask("PUT", path, {"name": "Cocoa"}, role="admin")).data
    taken = await service.ask("PUT", path, {"name": "Coffee"}, role="admin")
    deleted = await service.ask("DELETE", path, role="admin")
    again = await service.ask("DELETE", path, role="admin")

    assert [each["name"] for each in listed] == ["Coffee", "Tea"]
    assert (touched["name"], renamed["name"]) == ("Tea", "Cocoa")
    assert touched["updated_at"] > made[0]["updated_at"]
    assert taken.fault == (409, "CONFLICT", None, "category already exists")
    assert deleted.data == {"message": "category deleted"}
    assert again.fault == (404, "NOT_FOUND", None, "category not found")
    unknown = await service.ask("PUT", f"/categories/{UNKNOWN}", {"name": "Coffee"}, role="admin")
    assert unknown.fault == (404, "NOT_FOUND", None, "category not found")


async def test_d12_a_category_is_in_use_until_its_last_product_is_deleted(service: Service) -> None:
    lamp = await service.shop.product()
    category = f"/categories/{service.shop.category}"
    used = await service.ask("DELETE", category, role="admin")
    seller = await service.ask("GET", f"/stores/{service.shop.default_store}")
    await service.ask("DELETE", f"/products/{lamp}", role="seller", caller=seller.data["user_id"])
    free = await service.ask("DELETE", category, role="admin")

    assert used.fault == (409, "CONFLICT", None, "category is in use")
    assert free.data == {"message": "category deleted"}


async def test_d11_of_simultaneous_renames_to_one_name_one_succeeds(service: Service) -> None:
    made = [
        (await service.ask("POST", "/categories", {"name": str(n)}, role="admin")).data["id"]
        for n in range(5)
    ]
    wishes = (
        service.ask("PUT", f"/categories/{each}", {"name": "One"}, role="admin") for each in made
    )
    statuses = sorted(answer.status for answer in await asyncio.gather(*wishes))

    assert statuses == [200, 409, 409, 409, 409]


async def test_a_store_is_shown_to_all_and_changed_by_its_owner(service: Service) -> None:
    seller = await service.seller()
    path = f"/stores/{service.shop.default_store}"
    before = (await service.ask("GET", path)).data
    sent = {"name": "", "description": "Kopi dari Aceh"}
    after = (await service.ask("PUT", path, sent, role="seller", caller=seller)).data

    moved = {"description": "Kopi dari Aceh", "updated_at": after["updated_at"]}
    assert after == {**before, **moved}
    assert after["updated_at"] > before["updated_at"]
    assert (await service.ask("GET", path)).data == after


async def test_refusals_about_a_store(service: Service) -> None:
    seller = await service.seller()
    foreign, path = await service.shop.store(), f"/stores/{UNKNOWN}"
    unknown = (404, "NOT_FOUND", None, "store not found")

    async def put(store: object, body: dict[str, object]) -> object:
        return (
            await service.ask("PUT", f"/stores/{store}", body, role="seller", caller=seller)
        ).fault

    assert (await service.ask("GET", path)).fault == unknown
    assert (await service.ask("GET", "/stores/1")).fault[3] == "invalid store id"
    assert await put(UNKNOWN, {}) == unknown
    assert await put(foreign, {"name": "Mine"}) == (
        403, "FORBIDDEN", None, "forbidden: not store owner"
    )  # fmt: skip
    assert await put(foreign, {"name": "\t"}) == (400, "VALIDATION_ERROR", "name", "is required")
