"""The catalogue in PostgreSQL: the truth about prices and stock."""

from typing import Final

from pasar.kit.database import ConstraintViolated, Database, Row
from pasar.kit.money import Money
from pasar.store_service.catalog.model import (
    Category,
    CategoryExists,
    CategoryId,
    NewProduct,
    Product,
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
GET_PRODUCT: Final = """
SELECT id, store_id, category_id, name, coalesce(description, '') AS description, price, stock,
       coalesce(image_url, '') AS image_url, version, created_at, updated_at
FROM products
WHERE id = $1 AND deleted_at IS NULL
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
        return Category(CategoryId(row["id"]), row["name"], row["created_at"], row["updated_at"])


class PostgresProducts:
    def __init__(self, database: Database) -> None:
        self.database = database

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
        row = await self.database.fetch_one(GET_PRODUCT, product_id)
        if row is None:
            raise ProductNotFound
        return _product(row)

    async def set_image(self, product_id: ProductId, image_url: str) -> tuple[Product, str]:
        row = await self.database.fetch_one(SET_IMAGE, product_id, image_url)
        if row is None:
            raise ProductNotFound
        return _product(row), row["replaced"]


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
