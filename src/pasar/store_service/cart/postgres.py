"""
The cart in PostgreSQL: one statement per change, the row of `carts` taken first.

Whoever holds that row has the lines to itself: changes of one cart, checkout included, queue up.
Redis is not mentioned here; stock is looked at and never reserved.
"""

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import Final

from pasar.kit.database import Database, Row
from pasar.kit.errors import PasarError
from pasar.store_service.cart.model import (
    Cart,
    Change,
    ItemNotInCart,
    Outcome,
    UnknownBuyer,
)
from pasar.store_service.cart.postgres_rows import GET, cart_of, refusal_of, refusals
from pasar.store_service.cart.repository import BatchCarts, Carts
from pasar.store_service.catalog.model import ProductId, ProductNotFound
from pasar.store_service.identity import UserId

# A change waits for the row of `carts` while its snapshot stays as old as its start: lines that
# others committed meanwhile are not seen. All changes therefore return the version before them as
# the snapshot has it (`seen`): one step behind the new version it proves the snapshot complete.

# The commit of a change does not wait for the disk: when the server itself dies, the last 0.6 s of
# cart changes may be lost. `true` ends that with the transaction, so nothing else is in there.

# One array per column, no buyer twice: the row of each cart is taken in the order of buyers, and
# products are looked up for foreign keys by ascending id, as CHECKOUT locks both.
# `full` and `short` are judged by the snapshot. Who was let in by an old one is judged once more on
# the locked line: a quantity above the stock becomes 0, which the table's own check refuses, and
# that undoes the whole statement. Quantities are bigints, and compared before they are added, so
# that no sum overflows. Lines added at the same moment may exceed $4 by their number: no harm.
ADD: Final = """
WITH lazily AS MATERIALIZED (
    SELECT set_config('synchronous_commit', 'off', true), set_config('lock_timeout', $5, true)
), wish AS MATERIALIZED (
    SELECT w.buyer, w.product_id, w.quantity, p.stock,
        (SELECT count(*) FROM cart_items WHERE user_id = w.buyer AND product_id <> w.product_id)
            >= $4 AS full,
        w.quantity > p.stock - coalesce((SELECT quantity FROM cart_items
            WHERE user_id = w.buyer AND product_id = w.product_id), 0) AS short
    FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS w (buyer, product_id, quantity)
    CROSS JOIN LATERAL (
        SELECT stock, deleted_at FROM products WHERE id = w.product_id OFFSET 0) p
    WHERE p.deleted_at IS NULL
), cart AS (
    INSERT INTO carts (user_id)
    SELECT buyer FROM wish, lazily WHERE NOT (wish.full OR short) ORDER BY buyer
    ON CONFLICT (user_id) DO UPDATE SET version = carts.version + 1, updated_at = now()
    RETURNING user_id, version, updated_at
), added AS (
    INSERT INTO cart_items AS i (user_id, product_id, quantity)
    SELECT c.user_id, w.product_id, w.quantity FROM cart c JOIN wish w ON w.buyer = c.user_id
    ORDER BY w.product_id
    ON CONFLICT (user_id, product_id) DO UPDATE SET updated_at = now(), quantity = (
        SELECT CASE WHEN w.quantity <= w.stock - i.quantity THEN i.quantity + w.quantity ELSE 0 END
        FROM wish w WHERE w.buyer = i.user_id)
    RETURNING i.id, i.user_id, i.product_id, i.quantity, i.created_at
), line AS (
    SELECT id, user_id, product_id, quantity, created_at FROM added
    UNION ALL
    SELECT i.id, i.user_id, i.product_id, i.quantity, i.created_at FROM wish w
    CROSS JOIN LATERAL (SELECT * FROM cart_items WHERE user_id = w.buyer OFFSET 0) i
    WHERE i.product_id <> w.product_id
)
SELECT w.buyer, w.full, w.short, c.version, c.updated_at, coalesce(seen.version, 0) AS seen,
    l.product_id, l.quantity, p.name, p.price, coalesce(p.image_url, '') AS image_url
FROM wish w
LEFT JOIN cart c ON c.user_id = w.buyer
LEFT JOIN LATERAL (SELECT version FROM carts WHERE user_id = w.buyer OFFSET 0) seen ON true
LEFT JOIN (line l CROSS JOIN LATERAL (
    SELECT name, price, image_url, deleted_at FROM products WHERE id = l.product_id OFFSET 0) p
) ON l.user_id = c.user_id AND p.deleted_at IS NULL
ORDER BY w.buyer, l.created_at, l.id
"""

# A quantity above the stock becomes 0 here too. A line whose product is deleted is as good as gone.
SET_QUANTITY: Final = """
WITH cart AS MATERIALIZED (
    SELECT user_id, set_config('synchronous_commit', 'off', true)
    FROM carts WHERE user_id = $1 FOR UPDATE
), adjusted AS (
    UPDATE cart_items i SET updated_at = now(),
        quantity = CASE WHEN $3::bigint <= p.stock THEN $3 ELSE 0 END
    FROM cart c, (SELECT id, stock, deleted_at FROM products WHERE id = $2 OFFSET 0) p
    WHERE i.user_id = c.user_id AND i.product_id = p.id AND p.deleted_at IS NULL
    RETURNING i.id, i.user_id, i.product_id, i.quantity, i.created_at
), changed AS (
    UPDATE carts c SET version = c.version + 1, updated_at = now()
    FROM adjusted a
    WHERE c.user_id = a.user_id
    RETURNING c.user_id, c.version, c.updated_at
), line AS (
    SELECT id, user_id, product_id, quantity, created_at FROM adjusted
    UNION ALL
    SELECT id, user_id, product_id, quantity, created_at FROM cart_items
    WHERE user_id = $1 AND product_id <> $2
)
SELECT c.version, c.updated_at, seen.version AS seen,
    l.product_id, l.quantity, p.name, p.price, coalesce(p.image_url, '') AS image_url
FROM changed c
JOIN carts seen ON seen.user_id = c.user_id
JOIN line l ON l.user_id = c.user_id
JOIN LATERAL (
    SELECT name, price, image_url, deleted_at FROM products WHERE id = l.product_id OFFSET 0) p
 ON p.deleted_at IS NULL
ORDER BY l.created_at, l.id
"""

# One array per column, no buyer twice; the rows of the carts are taken in the order of buyers.
REMOVE: Final = """
WITH lazily AS MATERIALIZED (
    SELECT set_config('synchronous_commit', 'off', true), set_config('lock_timeout', $3, true)
), cart AS MATERIALIZED (
    SELECT user_id FROM lazily, carts WHERE user_id = ANY($1) ORDER BY user_id FOR UPDATE OF carts
), gone AS MATERIALIZED (
    SELECT i.id FROM cart c
    JOIN unnest($1::uuid[], $2::uuid[]) AS w (buyer, product_id) ON w.buyer = c.user_id
    CROSS JOIN LATERAL (SELECT * FROM cart_items WHERE user_id = c.user_id OFFSET 0) i
    WHERE i.product_id = w.product_id
), removed AS (
    DELETE FROM cart_items WHERE id = ANY(ARRAY(SELECT id FROM gone))
    RETURNING user_id, product_id
), changed AS (
    UPDATE carts c SET version = c.version + 1, updated_at = now()
    FROM removed r
    WHERE c.user_id = r.user_id
    RETURNING c.user_id, c.version, c.updated_at, r.product_id AS removed
)
SELECT c.user_id AS buyer, c.version, c.updated_at, seen.version AS seen,
    l.product_id, l.quantity, l.name, l.price, coalesce(l.image_url, '') AS image_url
FROM changed c
JOIN LATERAL (SELECT version FROM carts WHERE user_id = c.user_id OFFSET 0) seen ON true
LEFT JOIN LATERAL (
    SELECT i.id, i.created_at, i.product_id, i.quantity, p.name, p.price, p.image_url
    FROM (SELECT * FROM cart_items WHERE user_id = c.user_id OFFSET 0) i
    CROSS JOIN LATERAL (
        SELECT name, price, image_url, deleted_at FROM products WHERE id = i.product_id OFFSET 0) p
    WHERE i.product_id <> c.removed AND p.deleted_at IS NULL
) l ON true
ORDER BY c.user_id, l.created_at, l.id
"""

# What a deletion that was cut short left behind; in the order of locks, as the deletion itself.
SWEEP_HIDDEN: Final = """
WITH line AS MATERIALIZED (
    SELECT i.user_id, i.product_id FROM products p JOIN cart_items i ON i.product_id = p.id
    WHERE p.deleted_at < now() - make_interval(secs => $2)
    LIMIT $1)
, cart AS MATERIALIZED (
    SELECT user_id FROM carts WHERE user_id IN (SELECT user_id FROM line)
    ORDER BY user_id FOR UPDATE)
, swept AS (
    UPDATE carts c SET version = c.version + 1, updated_at = now()
    FROM cart WHERE c.user_id = cart.user_id)
DELETE FROM cart_items i USING line l, cart c
WHERE c.user_id = l.user_id AND i.user_id = l.user_id AND i.product_id = l.product_id
"""

COMPANY_WAITS: Final = "100ms"
"""For a cart that somebody else holds, ten times a checkout: the others shall not wait longer."""


class PostgresCarts:
    """`max_lines` bounds a cart, and with it the row locks of one checkout."""

    def __init__(self, database: Database, max_lines: int) -> None:
        self.database = database
        self.max_lines = max_lines

    async def get(self, buyer: UserId) -> Cart:
        rows = await self.database.fetch(GET, buyer)
        if not rows:
            raise UnknownBuyer
        return cart_of(rows)

    async def add(self, buyer: UserId, product_id: ProductId, quantity: int) -> Cart:
        [outcome] = await self._add([Change(buyer, product_id, quantity)], None)
        return outcome.cart()

    async def add_all(self, wanted: Sequence[Change]) -> Sequence[Outcome]:
        return await self._add(wanted, COMPANY_WAITS)

    async def set_quantity(self, buyer: UserId, product_id: ProductId, quantity: int) -> Cart:
        with refusals():
            rows = await self.database.fetch(SET_QUANTITY, buyer, product_id, quantity)
        if not rows:
            raise ItemNotInCart
        return await self._changed(buyer, rows)

    async def remove(self, buyer: UserId, product_id: ProductId) -> Cart:
        [outcome] = await self._remove([Change(buyer, product_id)], None)
        return outcome.cart()

    async def remove_all(self, wanted: Sequence[Change]) -> Sequence[Outcome]:
        return await self._remove(wanted, COMPANY_WAITS)

    async def _add(self, wanted: Sequence[Change], waits: str | None) -> Sequence[Outcome]:
        limits = [each.quantity for each in wanted], self.max_lines, waits
        with refusals():
            rows = await self.database.fetch(ADD, *_columns(wanted), *limits)
        return await self._outcomes(wanted, rows, ProductNotFound())

    async def _remove(self, wanted: Sequence[Change], waits: str | None) -> Sequence[Outcome]:
        rows = await self.database.fetch(REMOVE, *_columns(wanted), waits)
        return await self._outcomes(wanted, rows, ItemNotInCart())

    async def _outcomes(
        self, wanted: Sequence[Change], rows: Sequence[Row], nothing: PasarError
    ) -> Sequence[Outcome]:
        """Tell each change its rows; one without any was refused as `nothing`."""
        of_buyer = {buyer: [*of_one] for buyer, of_one in groupby(rows, itemgetter("buyer"))}
        outcomes: list[Outcome] = []
        for buyer in (each.buyer for each in wanted):
            found = of_buyer.get(buyer)
            if refusal := refusal_of(found[0]) if found else nothing:
                outcomes.append(Outcome(refusal=refusal))
            elif found:
                outcomes.append(Outcome(await self._changed(buyer, found)))
        return outcomes

    async def _changed(self, buyer: UserId, rows: Sequence[Row]) -> Cart:
        complete = rows[0]["version"] == rows[0]["seen"] + 1
        return cart_of(rows) if complete else await self.get(buyer)


def _columns(wanted: Sequence[Change]) -> tuple[list[UserId], list[ProductId]]:
    return [each.buyer for each in wanted], [each.product_id for each in wanted]


_: tuple[type[Carts], type[BatchCarts]] = (PostgresCarts, PostgresCarts)
