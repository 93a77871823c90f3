"""What a product must be before it is offered or changed, and what nobody needs to look for."""

from pasar.store_service.catalog.model import (
    MAX_DESCRIPTION,
    MAX_STOCK,
    BadCategoryId,
    BadPrice,
    BadStock,
    NewProduct,
    ProductDraft,
    ProductEdit,
    ProductFilter,
    ProductId,
)
from pasar.store_service.stores.model import StoreId


def accepted(draft: ProductDraft, product_id: ProductId, store_id: StoreId) -> NewProduct:
    """
    Return the draft as a product of the store.

    Raises BadCategoryId, BadPrice, BadStock: the first that applies, in the contract's order.
    """
    if draft.category_id is None:
        raise BadCategoryId
    if draft.price is None:
        raise BadPrice
    if not 0 <= draft.stock <= MAX_STOCK:
        raise BadStock
    return NewProduct(
        id=product_id,
        store_id=store_id,
        category_id=draft.category_id,
        name=draft.name,
        description=draft.description,
        price=draft.price,
        stock=draft.stock,
    )


def check_edit(edit: ProductEdit) -> None:
    """
    Judge what the seller sent.

    Raises BadPrice, BadCategoryId, BadStock: the first that applies, in the contract's order, which
    is not the one of a new product.
    """
    if "price" in edit.unreadable:
        raise BadPrice
    if "category_id" in edit.unreadable:
        raise BadCategoryId
    if edit.stock is not None and not 0 <= edit.stock <= MAX_STOCK:
        raise BadStock


def matches_nothing(wanted: ProductFilter) -> bool:
    """Say whether the search is longer than any text it could stand in."""
    return len(wanted.search) > MAX_DESCRIPTION
