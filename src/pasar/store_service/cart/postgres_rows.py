"""A cart as PostgreSQL tells it: the statement that reads it, and what rows and refusals mean."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from pasar.kit.database import ConstraintViolated, Row
from pasar.kit.errors import PasarError
from pasar.kit.money import Money
from pasar.store_service.cart.model import Cart, CartIsFull, InsufficientStock, Line, UnknownBuyer

# `OFFSET 0`: the product is looked up by its key alone, and judged then. Where the table has no
# statistics yet, a plan that may use `deleted_at IS NULL` reads all products instead (ADR 29).

GET: Final = """
SELECT coalesce(c.version, 0) AS version, coalesce(c.updated_at, u.created_at) AS updated_at,
    i.product_id, i.quantity, p.name, p.price, coalesce(p.image_url, '') AS image_url
FROM users u
LEFT JOIN carts c ON c.user_id = u.id
LEFT JOIN (cart_items i CROSS JOIN LATERAL (
    SELECT name, price, image_url, deleted_at FROM products WHERE id = i.product_id OFFSET 0) p
) ON i.user_id = u.id AND p.deleted_at IS NULL
WHERE u.id = $1
ORDER BY i.created_at, i.id
"""

REFUSALS: Final[Mapping[str, type[PasarError]]] = {
    "cart_items_quantity_positive": InsufficientStock,
    "carts_user_id_fkey": UnknownBuyer,
}
"""What the violation of a constraint means to the buyer."""


@contextmanager
def refusals() -> Generator[None]:
    """Raise for a violated constraint what it means."""
    try:
        yield
    except ConstraintViolated as broken:
        if refusal := REFUSALS.get(broken.constraint):
            raise refusal from broken
        raise


def cart_of(rows: Sequence[Row]) -> Cart:
    """Read rows that repeat the cart beside each line; one without product: no lines."""
    return Cart(
        lines=tuple(_line(row) for row in rows if row["product_id"] is not None),
        updated_at=rows[0]["updated_at"],
        version=rows[0]["version"],
    )


def _line(row: Row) -> Line:
    return Line(
        product_id=row["product_id"],
        name=row["name"],
        price=Money.of(row["price"]),
        quantity=row["quantity"],
        image_url=row["image_url"],
    )


def refusal_of(row: Row) -> PasarError | None:
    """Return why the change was refused whose first row this is, if it was."""
    if row.get("full"):
        return CartIsFull()
    return InsufficientStock() if row.get("short") else None
