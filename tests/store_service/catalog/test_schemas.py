"""The catalogue in JSON: rules of the bodies, what a draft reads, what a product shows."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest

from pasar.kit.errors import InvalidFields
from pasar.kit.money import Money
from pasar.store_service.catalog.model import (
    Category,
    CategoryId,
    Product,
    ProductEdit,
    ProductFilter,
    ProductId,
    Sort,
)
from pasar.store_service.catalog.schemas import (
    CategoryJson,
    CreateCategoryBody,
    CreateProductBody,
    ProductJson,
    UpdateCategoryBody,
    UpdateProductBody,
    product_filter,
)
from pasar.store_service.stores.model import StoreId
from pasar.store_service.web.fields import Body, check

AT = datetime(2026, 1, 2, 3, 4, 5, 678_901, UTC)
ID = "0190c7a2-0000-7000-8000-00000000000a"


def product_body(**changes: object) -> CreateProductBody:
    good = CreateProductBody(name="Kopi", price="4.50", category_id=ID)
    return msgspec.structs.replace(good, **changes)


def faults(body: Body) -> list[tuple[str | None, str]]:
    with pytest.raises(InvalidFields) as refusal:
        check(body)
    return [(fault.field, fault.message) for fault in refusal.value.faults]


def test_all_faults_of_a_product_come_at_once_and_in_order() -> None:
    assert faults(CreateProductBody()) == [
        ("name", "is required"),
        ("price", "is required"),
        ("category_id", "is required"),
    ]


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (CreateCategoryBody(), ("name", "is required")),
        (CreateCategoryBody(" "), ("name", "is required")),
        (CreateCategoryBody("n" * 256), ("name", "maximum 255 characters")),
        (CreateCategoryBody("a\0"), ("name", "contains invalid characters")),
        (product_body(name="\t"), ("name", "is required")),
        (product_body(name="n" * 256), ("name", "maximum 255 characters")),
        (product_body(description="d" * 20_001), ("description", "maximum 20000 characters")),
        (product_body(price="\0"), ("price", "contains invalid characters")),
        (UpdateCategoryBody(" "), ("name", "is required")),
        (UpdateProductBody(name="\t"), ("name", "is required")),
        (UpdateProductBody(name="n" * 256), ("name", "maximum 255 characters")),
        (UpdateProductBody(description="a\0"), ("description", "contains invalid characters")),
    ],
)
def test_a_bad_field_is_named(body: Body, fault: tuple[str, str]) -> None:
    assert faults(body) == [fault]


@pytest.mark.parametrize(
    "changes", [{"price": "cheap"}, {"category_id": "none"}, {"stock": -1}, {"name": "n" * 255}]
)
def test_what_is_judged_after_the_store_passes_here(changes: dict[str, object]) -> None:
    check(product_body(**changes))


def test_a_draft_holds_what_was_read() -> None:
    draft = product_body(category_id="{" + ID.upper() + "}", stock=3).draft()

    assert (draft.category_id, draft.price, draft.stock) == (UUID(ID), Money(450), 3)


def test_a_draft_holds_nothing_for_what_cannot_be_read() -> None:
    draft = product_body(category_id="none", price="-1").draft()

    assert (draft.category_id, draft.price) == (None, None)


def test_description_and_stock_may_be_left_out() -> None:
    body = msgspec.json.decode(b'{"name": "Kopi", "store_id": 7}', type=CreateProductBody)

    assert (body.description, body.stock) == ("", 0)


def test_a_product_shows_its_price_as_text_and_no_version() -> None:
    product = Product(
        id=ProductId(UUID(ID)),
        store_id=StoreId(UUID(int=1)),
        category_id=CategoryId(UUID(int=2)),
        name="Kopi",
        description="from Aceh",
        price=Money(450_000_00),
        stock=7,
        image_url="products/a.png",
        version=5,
        created_at=AT,
        updated_at=AT,
    )

    assert msgspec.json.decode(msgspec.json.encode(ProductJson.of(product))) == {
        "id": ID,
        "store_id": "00000000-0000-0000-0000-000000000001",
        "category_id": "00000000-0000-0000-0000-000000000002",
        "name": "Kopi",
        "description": "from Aceh",
        "price": "450000",
        "stock": 7,
        "image_url": "products/a.png",
        "created_at": "2026-01-02T03:04:05.678901Z",
        "updated_at": "2026-01-02T03:04:05.678901Z",
    }


def test_a_category_shows_all_its_members() -> None:
    category = Category(CategoryId(UUID(ID)), "Drinks", AT, AT)

    assert msgspec.json.decode(msgspec.json.encode(CategoryJson.of(category))) == {
        "id": ID,
        "name": "Drinks",
        "created_at": "2026-01-02T03:04:05.678901Z",
        "updated_at": "2026-01-02T03:04:05.678901Z",
    }


def test_an_empty_update_changes_nothing() -> None:
    check(UpdateProductBody())

    assert UpdateProductBody().edit() == ProductEdit()


def test_an_edit_names_what_could_not_be_read() -> None:
    assert UpdateProductBody(price="x", category_id="y").edit().unreadable == {
        "price",
        "category_id",
    }
    assert UpdateProductBody(price="4.5", category_id=ID).edit() == ProductEdit(
        price=Money(450), category_id=CategoryId(UUID(ID))
    )


def test_a_query_is_read_into_a_filter() -> None:
    query = {
        "search": "kopi", "category_id": "{" + ID + "}", "store_id": ID, "min_price": "-1",
        "max_price": "1e2", "sort_by": "relevance", "sort_order": "asc",
    }  # fmt: skip

    assert product_filter(query) == ProductFilter(
        search="kopi",
        category_id=CategoryId(UUID(ID)),
        store_id=StoreId(UUID(ID)),
        min_price=Money(-100),
        max_price=Money(10_000),
        sort=Sort.RELEVANCE,
        ascending=True,
    )


def test_without_a_search_nothing_is_more_relevant() -> None:
    assert product_filter({"sort_by": "relevance"}) == ProductFilter()
