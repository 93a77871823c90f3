"""What a product must be before it is offered."""

from pasar.store_service.catalog.model import (
    MAX_STOCK,
    BadCategoryId,
    BadPrice,
    BadStock,
    NewProduct,
    ProductDraft,
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
