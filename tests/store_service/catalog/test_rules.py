"""Which drafts become products, and which refusal comes first."""

from dataclasses import replace
from uuid import UUID

import pytest

from pasar.kit.errors import Invalid
from pasar.kit.money import Money
from pasar.store_service.catalog.model import (
    MAX_DESCRIPTION,
    CategoryId,
    NewProduct,
    ProductDraft,
    ProductEdit,
    ProductFilter,
    ProductId,
)
from pasar.store_service.catalog.rules import accepted, check_edit, matches_nothing
from pasar.store_service.stores.model import StoreId

CATEGORY = CategoryId(UUID(int=1))
PRODUCT = ProductId(UUID(int=2))
STORE = StoreId(UUID(int=3))
DRAFT = ProductDraft(
    name="Kopi", description="", category_id=CATEGORY, price=Money(450_000), stock=0
)


@pytest.mark.parametrize("stock", [0, 1, 2_147_483_647])
def test_a_good_draft_is_accepted_for_the_store(stock: int) -> None:
    assert accepted(replace(DRAFT, stock=stock), PRODUCT, STORE) == NewProduct(
        id=PRODUCT,
        store_id=STORE,
        category_id=CATEGORY,
        name="Kopi",
        description="",
        price=Money(450_000),
        stock=stock,
    )


@pytest.mark.parametrize(
    ("draft", "field", "message"),
    [
        (replace(DRAFT, category_id=None, price=None), "category_id", "invalid category_id"),
        (replace(DRAFT, price=None, stock=-1), "price", "invalid price"),
        (replace(DRAFT, stock=-1), "stock", "must be between 0 and 2147483647"),
        (replace(DRAFT, stock=2_147_483_648), "stock", "must be between 0 and 2147483647"),
    ],
)
def test_the_first_fault_is_told(draft: ProductDraft, field: str, message: str) -> None:
    with pytest.raises(Invalid) as refusal:
        accepted(draft, PRODUCT, STORE)

    assert (refusal.value.field, refusal.value.message) == (field, message)


@pytest.mark.parametrize("stock", [None, 0, 2_147_483_647])
def test_a_good_edit_passes(stock: int | None) -> None:
    check_edit(ProductEdit(stock=stock))


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        (ProductEdit(unreadable=frozenset({"price", "category_id"}), stock=-1), "price"),
        (ProductEdit(unreadable=frozenset({"category_id"}), stock=-1), "category_id"),
        (ProductEdit(stock=-1), "stock"),
        (ProductEdit(stock=2_147_483_648), "stock"),
    ],
)
def test_the_first_fault_of_an_edit_is_told(edit: ProductEdit, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        check_edit(edit)

    assert refusal.value.field == field


def test_h38_a_search_longer_than_any_text_matches_nothing() -> None:
    assert matches_nothing(ProductFilter(search="x" * (MAX_DESCRIPTION + 1)))
    assert not matches_nothing(ProductFilter(search="x" * MAX_DESCRIPTION))
