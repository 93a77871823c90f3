"""
The demo shop: two stores with a few products, and a buyer and sellers to log in as.

Written by SQL, never over HTTP, so that it costs nobody's rate limit; only into a database that
holds no product and no order yet. The built-in admin stays as it is.
"""

from typing import Final

from pasar.cli import demo
from pasar.kit.database import Database
from pasar.kit.passwords import Passwords

PEOPLE: Final = (
    (*demo.BUYER, None),
    ("kopi@example.com", "demo-seller", "Kopi Nusantara"),
    ("batik@example.com", "demo-seller", "Rumah Batik"),
)
_GOODS: Final = (
    ("Kopi Nusantara", "Food", "Kopi Gayo 250 g", "Single origin from Aceh.", "85000"),
    ("Kopi Nusantara", "Food", "Kopi Toraja 250 g", "Full body, dark chocolate.", "92500"),
    ("Kopi Nusantara", "Food", "Teh Melati", "Green tea with jasmine, 50 bags.", "32000"),
    ("Kopi Nusantara", "Food", "Madu Hutan 500 ml", "Forest honey from Sumbawa.", "118000.50"),
    ("Rumah Batik", "Clothing", "Kain Batik Parang", "Hand-drawn cotton, 2.5 m.", "450000"),
    ("Rumah Batik", "Clothing", "Kemeja Batik", "Stamped batik shirt, slim fit.", "275000"),
    ("Rumah Batik", "Clothing", "Selendang Sutra", "Silk shawl dyed with indigo.", "199000"),
)
CATALOG: Final = [
    dict(zip(("store", "category", "name", "text", "price"), good, strict=True)) for good in _GOODS
]

IS_EMPTY: Final = """
SELECT NOT EXISTS (SELECT FROM products) AND NOT EXISTS (SELECT FROM orders) AS empty
"""

# $1 first product, $2 goods, $3 people with their store (null for the buyer).
PLANT: Final = """
WITH good AS (
    SELECT g.*, g.n = 1 AS first FROM ROWS FROM (
        jsonb_to_recordset($2) AS (store TEXT, category TEXT, name TEXT, text TEXT, price NUMERIC)
    ) WITH ORDINALITY AS g (store, category, name, text, price, n)
), person AS (
    INSERT INTO users (email, email_key, password, name, role)
    SELECT email, email, password, coalesce(store, 'Demo Buyer'),
        CASE WHEN store IS NULL THEN 'buyer' ELSE 'seller' END
    FROM jsonb_to_recordset($3) AS p (email TEXT, password TEXT, store TEXT)
    RETURNING id, name
), shop AS (
    INSERT INTO stores (user_id, name)
    SELECT p.id, p.name FROM person p WHERE p.name IN (SELECT store FROM good)
    RETURNING id, name
), category AS (
    INSERT INTO categories (name) SELECT DISTINCT category FROM good RETURNING id, name
), product AS (
    INSERT INTO products (id, store_id, category_id, name, description, price, stock)
    SELECT CASE WHEN g.first THEN $1::uuid ELSE gen_random_uuid() END,
        s.id, c.id, g.name, g.text, g.price, 1000
    FROM good g JOIN shop s ON s.name = g.store JOIN category c ON c.name = g.category
    RETURNING id, stock
)
INSERT INTO stock_ledger (product_id, kind, delta) SELECT id, 'opening', stock FROM product
"""


async def plant(database: Database) -> bool:
    """Fill an empty shop; return whether it was empty. Needs the owner's login."""
    empty = await database.fetch_one(IS_EMPTY)
    if empty is None or not empty["empty"]:
        return False
    passwords = Passwords(memory_kib=19_456, passes=2, threads=2, queue=len(PEOPLE))
    try:
        people = [
            {"email": email, "store": store, "password": await passwords.hash(password)}
            for email, password, store in PEOPLE
        ]
    finally:
        passwords.close()
    await database.execute(PLANT, demo.PRODUCT_ID, CATALOG, people)
    return True
