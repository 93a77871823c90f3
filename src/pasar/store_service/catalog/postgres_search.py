"""The list of products in PostgreSQL: filters, literal search, orders, pages. Reads only."""

from collections.abc import Mapping
from typing import Final

from pasar.kit.database import Database
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
MATCHING: Final = """
SELECT id, created_at, price, name, words
FROM products
WHERE deleted_at IS NULL
    AND ($1::text IS NULL OR lower(name || chr(31) || coalesce(description, '')) LIKE lower($1)
        OR words @@ websearch_to_tsquery('english', $2))
    AND ($3::uuid IS NULL OR category_id = $3)
    AND ($4::uuid IS NULL OR store_id = $4)
    AND ($5::numeric IS NULL OR price >= $5)
    AND ($6::numeric IS NULL OR price <= $6)
    AND ($7::text IS NULL
        OR lower(name || chr(31) || coalesce(description, '')) || '' LIKE lower($7))
"""
BEGINNING: Final = 64  # characters; 10,000 digits took 2 s among 100,000 products
COUNT: Final = f"SELECT count(*) AS total FROM ({MATCHING}) matching"  # noqa: S608  constants

KEYS: Final[Mapping[Sort, str]] = {
    Sort.CREATED_AT: "created_at",
    Sort.PRICE: "price",
    Sort.NAME: "name",
    Sort.RELEVANCE: "ts_rank(words, websearch_to_tsquery('english', $2))",
}

# With so few matches sorting them is quicker than any index; and the planner, which takes a rare
# word for a common one, must not go through all products in their order to find them.
FEW: Final = 2000


class PostgresProductSearch:
    """A statement of it may take `timeout_s` seconds."""

    def __init__(self, database: Database, timeout_s: float) -> None:
        self.database = database
        self.timeout_ms = f"{timeout_s * 1000:.0f}"

    async def find(self, wanted: ProductFilter, offset: int, limit: int) -> Found:
        values = _values(wanted)
        async with self.database.begin() as tx:
            await tx.execute(TERMS, self.timeout_ms)
            # Not fetch_one: where the server is asked for one row, it counts with one process.
            (counted,) = await tx.fetch(COUNT, *values)
            total: int = counted["total"]
            if offset >= total:
                return Found((), total)
            rows = await tx.fetch(_page(wanted, total), *values, limit, offset)
        return Found([ProductId(row["id"]) for row in rows], total)


def _values(wanted: ProductFilter) -> tuple[object, ...]:
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
        f"WITH matching AS {hint} ({MATCHING}) SELECT id FROM matching"  # noqa: S608  constants
        f" ORDER BY {KEYS[wanted.sort]} {way}, id {way} LIMIT $8 OFFSET $9"
    )


def _substring(text: str) -> str:
    r"""Return the pattern of LIKE for a text taken literally: `%`, `_` and `\` stand for them."""
    for wildcard in ("\\", "%", "_"):
        text = text.replace(wildcard, f"\\{wildcard}")
    return f"%{text}%"


_: type[ProductSearch] = PostgresProductSearch
