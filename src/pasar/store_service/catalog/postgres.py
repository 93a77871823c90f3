"""The catalogue in PostgreSQL: the truth about prices and stock."""

from collections.abc import Sequence
from typing import Final

from pasar.kit.database import ConstraintViolated, Database, Row
from pasar.kit.money import Money
from pasar.store_service.catalog.model import (
    Category,
    CategoryExists,
    CategoryId,
    CategoryInUse,
    CategoryNotFound,
    NewProduct,
    Product,
    ProductEdit,
    ProductId,
    ProductNotFound,
    UnknownCategory,
)
from pasar.store_service.catalog.repository import Categories, Products
from pasar.store_service.stores.model import StoreId

INSERT_CATEGORY: Final = """
INSERT INTO categories (id, name) VALUES ($1, $2)
RETURNING id, name, created_at, updated_at
"""

LIST_CATEGORIES: Final = "SELECT id, name, created_at, updated_at FROM categories ORDER BY name"

UPDATE_CATEGORY: Final = """
UPDATE categories SET name = coalesce($2, name), updated_at = now() WHERE id = $1
RETURNING id, name, created_at, updated_at
"""

# The foreign key has the last word on whether products stand under it; deleted ones let go of it.
DELETE_CATEGORY: Final = "DELETE FROM categories WHERE id = $1"

# The ledger's sum is the stock from the first moment on, also for a stock of 0.
INSERT_PRODUCT: Final = """
WITH offered AS (
    INSERT INTO products (id, store_id, category_id, name, description, price, stock)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    RETURNING *)
, opened AS (
    INSERT INTO stock_ledger (product_id, kind, delta)
    SELECT id, 'opening', stock FROM offered)
SELECT id, store_id, category_id, name, description, price, stock, image_url, version,
       created_at, updated_at
FROM offered
"""

# By primary key. Rows of the earlier service may hold NULL texts.
GET_PRODUCTS: Final = """
SELECT id, store_id, category_id, name, coalesce(description, '') AS description, price, stock,
       coalesce(image_url, '') AS image_url, version, created_at, updated_at
FROM products
WHERE id = ANY ($1) AND deleted_at IS NULL
"""

STORE_OF: Final = "SELECT store_id FROM products WHERE id = $1 AND deleted_at IS NULL"

# The row is taken by FOR UPDATE first, as CHECKOUT does; what it holds then, and not what the
# statement's snapshot shows, is what stays of a member that was not sent, stock above all.
EDIT: Final = """
WITH seen AS MATERIALIZED (
    SELECT id, stock FROM products WHERE id = $1 AND deleted_at IS NULL FOR UPDATE)
, booked AS (
    INSERT INTO stock_ledger (product_id, kind, delta)
    SELECT id, 'edit', $6::bigint - stock FROM seen WHERE stock <> $6)
UPDATE products p SET
    name = coalesce($2, p.name), description = coalesce($3, p.description),
    price = coalesce($4, p.price), category_id = coalesce($5, p.category_id),
    stock = coalesce($6, p.stock), version = p.version + 1, updated_at = now()
FROM seen
WHERE p.id = seen.id
RETURNING p.id, p.store_id, p.category_id, p.name, coalesce(p.description, '') AS description,
    p.price, p.stock, coalesce(p.image_url, '') AS image_url, p.version, p.created_at, p.updated_at
"""

# The row lock makes each change see the one before it, so that no file is left without a row.
SET_IMAGE: Final = """
WITH before AS MATERIALIZED (
    SELECT id, image_url FROM products WHERE id = $1 AND deleted_at IS NULL FOR UPDATE)
UPDATE products p SET image_url = $2, version = p.version + 1, updated_at = now()
FROM before b
WHERE p.id = b.id
RETURNING p.id, p.store_id, p.category_id, p.name, coalesce(p.description, '') AS description,
          p.price, p.stock, p.image_url, p.version, p.created_at, p.updated_at,
          coalesce(b.image_url, '') AS replaced
"""

# It lets go of its category, which may then be deleted as well.
HIDE: Final = """
WITH seen AS MATERIALIZED (
    SELECT id FROM products WHERE id = $1 AND deleted_at IS NULL FOR UPDATE)
UPDATE products p SET deleted_at = now(), category_id = NULL, version = p.version + 1
FROM seen
WHERE p.id = seen.id
RETURNING p.version
"""

# Carts first, by ascending buyer: the order in which everybody locks. The product is hidden by
# then, so no new line comes. Runs for at most $2 carts; idx_cart_items_product_id finds them.
CLEAR_FROM_CARTS: Final = """
WITH cart AS MATERIALIZED (
    SELECT user_id FROM carts
    WHERE user_id IN (SELECT user_id FROM cart_items WHERE product_id = $1 LIMIT $2)
    ORDER BY user_id FOR UPDATE)
, cleared AS (
    DELETE FROM cart_items i USING cart
    WHERE i.user_id = cart.user_id AND i.product_id = $1
    RETURNING i.user_id)
UPDATE carts c SET version = c.version + 1, updated_at = now()
FROM cleared
WHERE c.user_id = cleared.user_id
"""
CARTS_AT_ONCE: Final = 1000  # bounds how many carts are locked together, and so for how long


class PostgresCategories:
    def __init__(self, database: Database) -> None:
        self.database = database

    async def insert(self, category_id: CategoryId, name: str) -> Category:
        try:
            (row,) = await self.database.fetch(INSERT_CATEGORY, category_id, name)
        except ConstraintViolated as violated:
            if violated.constraint == "categories_name_key":
                raise CategoryExists from violated
            raise
        return _category(row)

    async def all(self) -> Sequence[Category]:
        return [_category(row) for row in await self.database.fetch(LIST_CATEGORIES)]

    async def update(self, category_id: CategoryId, name: str | None) -> Category:
        try:
            row = await self.database.fetch_one(UPDATE_CATEGORY, category_id, name)
        except ConstraintViolated as violated:
            if violated.constraint == "categories_name_key":
                raise CategoryExists from violated
            raise
        if row is None:
            raise CategoryNotFound
        return _category(row)

    async def delete(self, category_id: CategoryId) -> None:
        try:
            deleted = await self.database.execute(DELETE_CATEGORY, category_id)
        except ConstraintViolated as violated:
            if violated.constraint == "products_category_id_fkey":
                raise CategoryInUse from violated
            raise
        if not deleted:
            raise CategoryNotFound


class PostgresProducts:
    """A deleted product leaves carts `carts_at_once` at a time."""

    def __init__(self, database: Database, *, carts_at_once: int = CARTS_AT_ONCE) -> None:
        self.database = database
        self.carts_at_once = carts_at_once

    async def insert(self, new: NewProduct) -> Product:
        try:
            (row,) = await self.database.fetch(
                INSERT_PRODUCT,
                new.id,
                new.store_id,
                new.category_id,
                new.name,
                new.description,
                new.price.decimal(),
                new.stock,
            )
        except ConstraintViolated as violated:
            if violated.constraint == "products_category_id_fkey":
                raise UnknownCategory from violated
            raise
        return _product(row)

    async def get(self, product_id: ProductId) -> Product:
        products = await self.get_many([product_id])
        if not products:
            raise ProductNotFound
        return products[0]

    async def get_many(self, product_ids: Sequence[ProductId]) -> Sequence[Product]:
        rows = {row["id"]: row for row in await self.database.fetch(GET_PRODUCTS, product_ids)}
        return [_product(rows[product_id]) for product_id in product_ids if product_id in rows]

    async def store_of(self, product_id: ProductId) -> StoreId:
        row = await self.database.fetch_one(STORE_OF, product_id)
        if row is None:
            raise ProductNotFound
        return StoreId(row["store_id"])

    async def update(self, product_id: ProductId, edit: ProductEdit) -> Product:
        price = None if edit.price is None else edit.price.decimal()
        members = (edit.name, edit.description, price, edit.category_id, edit.stock)
        try:
            row = await self.database.fetch_one(EDIT, product_id, *members)
        except ConstraintViolated as violated:
            if violated.constraint == "products_category_id_fkey":
                raise UnknownCategory from violated
            raise
        if row is None:
            raise ProductNotFound
        return _product(row)

    async def set_image(self, product_id: ProductId, image_url: str) -> tuple[Product, str]:
        row = await self.database.fetch_one(SET_IMAGE, product_id, image_url)
        if row is None:
            raise ProductNotFound
        return _product(row), row["replaced"]

    async def hide(self, product_id: ProductId) -> int:
        row = await self.database.fetch_one(HIDE, product_id)
        if row is None:
            raise ProductNotFound
        return int(row["version"])

    async def clear_from_carts(self, product_id: ProductId) -> None:
        while await self.database.execute(CLEAR_FROM_CARTS, product_id, self.carts_at_once):
            pass


def _category(row: Row) -> Category:
    return Category(CategoryId(row["id"]), row["name"], row["created_at"], row["updated_at"])


def _product(row: Row) -> Product:
    return Product(
        id=ProductId(row["id"]),
        store_id=StoreId(row["store_id"]),
        category_id=CategoryId(row["category_id"]),
        name=row["name"],
        description=row["description"],
        price=Money.of(row["price"]),
        stock=row["stock"],
        image_url=row["image_url"],
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


_: tuple[type[Categories], type[Products]] = (PostgresCategories, PostgresProducts)
