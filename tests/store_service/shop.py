"""Plants a small shop by SQL, and looks whether its books still agree."""

import asyncio
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID, uuid4

from pasar.kit.database import Database
from pasar.kit.ids import TimeOrderedIds
from pasar.kit.postgres import PostgresDatabase
from pasar.store_service.catalog.model import ProductId
from pasar.store_service.identity import UserId
from pasar.store_service.stores.model import StoreId

USER: Final = "INSERT INTO users (id, email, password, name, role) VALUES ($1, $2, '', 'U', $3)"
STORE: Final = "INSERT INTO stores (id, user_id, name) VALUES ($1, $2, 'A store')"
CATEGORY: Final = "INSERT INTO categories (id, name) VALUES ($1, $2)"
PRODUCT: Final = """
WITH made AS (
    INSERT INTO products (id, store_id, category_id, name, price, stock)
    VALUES ($1, $2, $3, $4, $5::text::numeric, $6)
    RETURNING id, stock
)
INSERT INTO stock_ledger (product_id, kind, delta) SELECT id, 'opening', stock FROM made
"""

BROKEN_BOOKS: Final = """
SELECT 'stock is not the sum of its ledger' AS rule, p.id::text AS what
FROM products p LEFT JOIN stock_ledger m ON m.product_id = p.id
GROUP BY p.id HAVING p.stock <> coalesce(sum(m.delta), 0)
UNION ALL
SELECT 'the ledger sold something else than the order', order_id::text
FROM (SELECT order_id, product_id, sum(quantity) AS n FROM order_items GROUP BY 1, 2) i
FULL JOIN (SELECT order_id, product_id, -delta AS n FROM stock_ledger WHERE kind = 'sale') m
    USING (order_id, product_id)
WHERE i.n IS DISTINCT FROM m.n
UNION ALL
SELECT 'stock came back without a cancelled order, or not', order_id::text
FROM (SELECT i.order_id, i.product_id, sum(i.quantity) AS n
    FROM order_items i JOIN orders o ON o.id = i.order_id AND o.status = 'cancelled'
    GROUP BY 1, 2) i
FULL JOIN (SELECT order_id, product_id, delta AS n FROM stock_ledger WHERE kind = 'restock') r
    USING (order_id, product_id)
WHERE i.n IS DISTINCT FROM r.n
UNION ALL
SELECT 'the total is not the sum of the lines', o.id::text
FROM orders o LEFT JOIN order_items i ON i.order_id = o.id
GROUP BY o.id HAVING o.total_amount IS DISTINCT FROM sum(i.price * i.quantity)
UNION ALL
SELECT 'the history does not end at the status', o.id::text
FROM orders o
WHERE o.status IS DISTINCT FROM (SELECT to_status FROM order_status_history h
    WHERE h.order_id = o.id AND store_id IS NULL ORDER BY id DESC LIMIT 1)
UNION ALL
SELECT 'the order is not its least advanced part', o.id::text
FROM orders o
WHERE o.status IS DISTINCT FROM (SELECT f.status FROM fulfilments f WHERE f.order_id = o.id
    ORDER BY array_position(ARRAY['pending', 'paid', 'processing', 'shipping', 'shipped',
        'completed', 'cancelled'], f.status::text) LIMIT 1)
UNION ALL
SELECT 'a part is cancelled without its order', f.order_id::text
FROM fulfilments f JOIN orders o ON o.id = f.order_id
WHERE f.status = 'cancelled' AND o.status <> 'cancelled'
UNION ALL
SELECT 'the way of a part has a gap', h.order_id::text
FROM (SELECT order_id, from_status, lag(to_status, 1, 'paid')
    OVER (PARTITION BY order_id, store_id ORDER BY id) AS before
    FROM order_status_history WHERE store_id IS NOT NULL) h
WHERE h.from_status <> h.before
UNION ALL
SELECT 'the way of an order has a gap', h.order_id::text
FROM (SELECT order_id, from_status, lag(to_status)
    OVER (PARTITION BY order_id ORDER BY id) AS before
    FROM order_status_history WHERE store_id IS NULL) h JOIN orders o ON o.id = h.order_id
WHERE (h.before IS NOT NULL OR NOT o.adopted) AND h.from_status IS DISTINCT FROM h.before
UNION ALL
SELECT 'not exactly one order.created', o.id::text
FROM orders o
WHERE (SELECT count(*) FROM outbox b WHERE b.aggregate_id = o.id::text) <> 1
"""


async def warm_up(database: PostgresDatabase, sessions: int = 10) -> None:
    """Open the pool's sessions: a crowd that must connect first comes one by one."""
    naps = (database.fetch("SELECT pg_sleep(0.1)") for _ in range(sessions))
    await asyncio.gather(*naps)


@dataclass
class Shop:
    """`database` is the owner's. A seller has one store, so each store brings its seller."""

    database: Database
    category: UUID | None = field(default=None)
    default_store: StoreId | None = field(default=None)

    async def buyer(self) -> UserId:
        return await self._user("buyer")

    async def seller(self, store: StoreId) -> UserId:
        row = await self.database.fetch_one("SELECT user_id FROM stores WHERE id = $1", store)
        assert row
        return UserId(row["user_id"])

    async def store(self) -> StoreId:
        store_id = StoreId(uuid4())
        await self.database.execute(STORE, store_id, await self._user("seller"))
        return store_id

    async def product(
        self,
        *,
        stock: int = 10,
        price: str = "10",
        name: str = "Lamp",
        store: StoreId | None = None,
    ) -> ProductId:
        if self.category is None:
            self.category = uuid4()
            await self.database.execute(CATEGORY, self.category, str(self.category))
        if self.default_store is None:
            self.default_store = await self.store()
        product_id = ProductId(TimeOrderedIds().new())  # checkout names the lowest id first
        await self.database.execute(
            PRODUCT, product_id, store or self.default_store, self.category, name, price, stock
        )
        return product_id

    async def delete(self, product_id: ProductId) -> None:
        await self.database.execute(
            "UPDATE products SET deleted_at = now() WHERE id = $1", product_id
        )

    async def reprice(self, product_id: ProductId, price: str) -> None:
        await self.database.execute(
            "UPDATE products SET price = $2::text::numeric, version = version + 1 WHERE id = $1",
            product_id,
            price,
        )

    async def restock(self, product_id: ProductId, stock: int) -> None:
        """Set the stock, the difference being booked."""
        await self.database.execute(
            """
            WITH seen AS (SELECT id, stock FROM products WHERE id = $1 FOR UPDATE),
            booked AS (INSERT INTO stock_ledger (product_id, kind, delta)
                SELECT id, 'edit', $2 - stock FROM seen)
            UPDATE products p SET stock = $2, version = version + 1 FROM seen s WHERE p.id = s.id
            """,
            product_id,
            stock,
        )

    async def stock(self, product_id: ProductId) -> int:
        return await self.number("SELECT stock FROM products WHERE id = $1", product_id)

    async def number(self, sql: str, *args: object) -> int:
        """Return the one number the statement asks for."""
        row = await self.database.fetch_one(sql, *args)
        assert row is not None
        (number,) = row.values()
        assert isinstance(number, int)
        return number

    async def broken_books(self) -> list[tuple[str, str]]:
        """Return each broken rule with the row that breaks it."""
        return [(row["rule"], row["what"]) for row in await self.database.fetch(BROKEN_BOOKS)]

    async def _user(self, role: str) -> UserId:
        user_id = UserId(uuid4())
        await self.database.execute(USER, user_id, f"{user_id}@example.com", role)
        return user_id
