"""
The list of products in PostgreSQL: filters, literal search, orders, pages. Reads only.

A count over all matches is made once and then brought up to date by the product changes noted
since (ADR 27), so that a change costs the next reader little, however many products there are.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pasar.kit.database import Database, Tx
from pasar.kit.recent import Recent
from pasar.store_service.catalog.model import Found, ProductFilter, ProductId, Sort
from pasar.store_service.catalog.repository import ProductSearch

# Which of these pictures belong to a product, even to a deleted one: orders may still show it.
NAMED_IMAGES: Final = """
SELECT image_url AS name FROM products WHERE image_url = ANY ($1) AND image_url <> ''
"""

# For this transaction: plans made for the values at hand, since a rare word, a common one and none
# at all need different indexes, and `$1 IS NULL` is then decided before planning.
TERMS: Final = """
SELECT set_config('plan_cache_mode', 'force_custom_plan', true),
    set_config('enable_seqscan', 'on', true),
    set_config('statement_timeout', $1, true)
"""

# A substring of three and more characters is found by idx_products_substring, words by
# idx_products_words; shorter ones are looked for in every product, where lowering both texts at
# once halves the time of two ILIKE: nobody types the character between them. Of a long text the
# index is asked for its beginning ($1) only, as each further letter is one more list to read, and
# the rest ($7) is compared with what that leaves: the `||` keeps it from the index.
MEETS: Final = """
    ($1::text IS NULL OR lower(name || chr(31) || coalesce(description, '')) LIKE lower($1)
        OR words @@ websearch_to_tsquery('english', $2))
    AND ($3::uuid IS NULL OR category_id = $3)
    AND ($4::uuid IS NULL OR store_id = $4)
    AND ($5::numeric IS NULL OR price >= $5)
    AND ($6::numeric IS NULL OR price <= $6)
    AND ($7::text IS NULL
        OR lower(name || chr(31) || coalesce(description, '')) || '' LIKE lower($7))
"""
BEGINNING: Final = 64  # characters; 10,000 digits took 2 s among 100,000 products
# ruff: noqa: S608  only constants are put together
MATCHING: Final = f"""
SELECT id, created_at, price, name, words FROM products WHERE deleted_at IS NULL AND {MEETS}
"""

# A count and the moment that it is true of: its statement's snapshot.
COUNT: Final = f"""
SELECT count(*) AS total, pg_current_snapshot()::text AS as_of, now() AS counted_at
FROM ({MATCHING}) matching
"""

# What of that has changed for this statement's snapshot. It sees no transaction that is still to
# come, such as a restored dump's notes may name. No row: rather count anew, since too much has
# changed, or the count is so old that the changes since may have been swept away.
SINCE: Final = f"""
WITH since AS MATERIALIZED (
    SELECT * FROM product_changes
    WHERE xact >= pg_snapshot_xmin($8::text::pg_snapshot)
        AND NOT pg_visible_in_snapshot(xact, $8::text::pg_snapshot)
        AND pg_visible_in_snapshot(xact, pg_current_snapshot())
    LIMIT $10 + 1)
SELECT count(*) AS changes, coalesce(sum(delta), 0) AS more, pg_current_snapshot()::text AS as_of
FROM since
WHERE {MEETS}
HAVING (SELECT count(*) FROM since) <= $10 AND $9 > now() - make_interval(secs => $11)
"""
MOST_CHANGES: Final = 10_000  # some 5 ms; a bulk import brings more
COUNTED_ANEW_S: Final = 3600.0  # whatever happens; SWEEP_CHANGES comes later

SWEEP_CHANGES: Final = """
DELETE FROM product_changes WHERE id IN (
    SELECT id FROM product_changes
    WHERE at < now() - make_interval(secs => $2)
    LIMIT $1)
"""

KEYS: Final[Mapping[Sort, str]] = {
    Sort.CREATED_AT: "created_at",
    Sort.PRICE: "price",
    Sort.NAME: "name",
    Sort.RELEVANCE: "ts_rank(words, websearch_to_tsquery('english', $2))",
}

# With so few matches sorting them is quicker than any index; and the planner, which takes a rare
# word for a common one, must not go through all products in their order to find them.
FEW: Final = 2000


MOST_KEPT: Final = 2000  # counts, and pages of at most 100 ids, 10 kB
LONGEST_KEPT: Final = 100  # characters of a search

Values = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Count:
    """
    How many products match in the snapshot `as_of`.

    `settled` is the snapshot since which nothing that matches has changed: of the same `settled`
    are the same pages.
    """

    total: int
    as_of: str
    settled: str
    counted_at: datetime


class PostgresProductSearch:
    """
    A statement of it may take `timeout_s` seconds.

    It keeps counts and pages, and asks the database each time what has changed since: no copy of it
    is shown that is not up to date, so nobody needs to tell it of changes.
    """

    def __init__(self, database: Database, timeout_s: float) -> None:
        self.database = database
        self.timeout_ms = f"{timeout_s * 1000:.0f}"
        self.counts = Recent[Values, Count](most=MOST_KEPT)
        self.counting: dict[Values, asyncio.Event] = {}
        self.pages = Recent[tuple[ProductFilter, int, int, str], Sequence[ProductId]](
            most=MOST_KEPT
        )

    async def find(self, wanted: ProductFilter, offset: int, limit: int) -> Found:
        values = _values(wanted)
        async with self._one_counts(values), self.database.begin() as tx:
            await tx.execute(TERMS, self.timeout_ms)
            count = await self._brought_forward(tx, values) or await _counted(tx, values)
            page = (wanted, offset, limit, count.settled)
            ids = () if offset >= count.total else self.pages.get(page)
            if ids is None:
                rows = await tx.fetch(_page(wanted, count.total), *values, limit, offset)
                ids = [ProductId(row["id"]) for row in rows]
            if len(wanted.search) <= LONGEST_KEPT:
                self.counts.put(values, count)
                self.pages.put(page, ids)
        return Found(ids, count.total)

    @asynccontextmanager
    async def _one_counts(self, values: Values) -> AsyncGenerator[None]:
        """Let who comes while another counts the same wait for that, once, whatever comes of it."""
        if counting := self.counting.get(values):
            await counting.wait()
            yield
        elif self.counts.get(values):
            yield
        else:
            self.counting[values] = counted = asyncio.Event()
            try:
                yield
            finally:
                del self.counting[values]
                counted.set()

    async def _brought_forward(self, tx: Tx, values: Values) -> Count | None:
        known = self.counts.get(values)
        if known is None:
            return None
        moment = (known.as_of, known.counted_at, MOST_CHANGES, COUNTED_ANEW_S)
        row = await tx.fetch_one(SINCE, *values, *moment)
        if row is None:
            self.counts.drop(values)
            return None
        settled: str = row["as_of"] if row["changes"] else known.settled
        return Count(known.total + row["more"], row["as_of"], settled, known.counted_at)


async def _counted(tx: Tx, values: Values) -> Count:
    # Not fetch_one: where the server is asked for one row, it counts with one process.
    (row,) = await tx.fetch(COUNT, *values)
    return Count(row["total"], row["as_of"], row["as_of"], row["counted_at"])


def _values(wanted: ProductFilter) -> Values:
    bounds = (wanted.min_price, wanted.max_price)
    search, beginning = wanted.search, wanted.search[:BEGINNING]
    return (
        _substring(beginning) if search else None,
        beginning if search and wanted.sort is Sort.RELEVANCE else None,
        wanted.category_id,
        wanted.store_id,
        *(None if bound is None else bound.decimal() for bound in bounds),
        _substring(search) if search != beginning and wanted.sort is not Sort.RELEVANCE else None,
    )


def _page(wanted: ProductFilter, total: int) -> str:
    hint = "MATERIALIZED" if total <= FEW else "NOT MATERIALIZED"
    way = "ASC" if wanted.ascending else "DESC"
    return (
        f"WITH matching AS {hint} ({MATCHING}) SELECT id FROM matching"
        f" ORDER BY {KEYS[wanted.sort]} {way}, id {way} LIMIT $8 OFFSET $9"
    )


def _substring(text: str) -> str:
    r"""Return the pattern of LIKE for a text taken literally: `%`, `_` and `\` stand for them."""
    for wildcard in ("\\", "%", "_"):
        text = text.replace(wildcard, f"\\{wildcard}")
    return f"%{text}%"


_: type[ProductSearch] = PostgresProductSearch
