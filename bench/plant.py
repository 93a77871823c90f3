"""
A shop of any size as SQL: products and orders number `first` to `last`, and what they hang on.

Everything is computed from its number, so that a shop can grow in place and tests know the ids.
Orders pass for those of an earlier service (`adopted`), which no charge stands behind: the audit
holds for such a shop. Passwords are the seeded admin's.
"""
# ruff: noqa: S608  our own names and numbers

from collections.abc import Sequence
from typing import Final
from uuid import UUID

STORES: Final = 100  # with a hundredth of everything each: their share grows with the shop
CATEGORIES: Final = 100
ORDERS_OF_BUYER: Final = 20  # a larger shop has more buyers, not busier ones
PASSWORD: Final = "admin123"  # noqa: S105  contract: of the seeded admin


def numbered(kind: str, number: int) -> UUID:
    """Return the id of a user, sell(er), shop, kind, ware or deal, as the four letters say."""
    return UUID(f"{kind.encode().hex()}-0000-7000-8000-{number:012x}")


def id_of(kind: str, number: str) -> str:
    """Return the same id in SQL, of a number given in SQL."""
    return f"('{kind.encode().hex()}-0000-7000-8000-' || lpad(to_hex({number}), 12, '0'))::uuid"


# Words of everyday length, so that two letters are common, a word is not, and a number is rare.
_WORDS: Final = """
ARRAY['kopi', 'lampu', 'meja', 'kursi', 'sepatu', 'kemeja', 'celana', 'buku', 'tas', 'topi',
    'jam', 'gelas', 'piring', 'sendok', 'bantal', 'selimut', 'batik', 'sarung', 'payung', 'sabun',
    'teh', 'gula', 'beras', 'madu', 'sambal', 'kerupuk', 'panci', 'wajan', 'pisau', 'ember']
"""

_PEOPLE: Final = """
INSERT INTO users (id, email, email_key, password, name, role)
SELECT {id}, '{role}-' || n || '@example.com', '{role}-' || n || '@example.com', a.password,
    'Somebody', '{role}'
FROM generate_series({first}, {last}) n, users a
WHERE a.email = 'admin@example.com'
"""

# Once, whatever the size.
GROUND: Final = (
    _PEOPLE.format(id=id_of("sell", "n"), role="seller", first=0, last=STORES - 1),
    f"""
    INSERT INTO stores (id, user_id, name)
    SELECT {id_of("shop", "n")}, {id_of("sell", "n")}, 'Store ' || n
    FROM generate_series(0, {STORES - 1}) n
    """,
    f"""
    INSERT INTO categories (id, name)
    SELECT {id_of("kind", "n")}, 'Category ' || n FROM generate_series(0, {CATEGORIES - 1}) n
    """,
)

# An index that is filled at once takes a quarter of the time.
SEARCHED: Final = """
SELECT indexname AS name, indexdef AS sql FROM pg_indexes
WHERE indexname IN ('idx_products_substring', 'idx_products_words')
"""


def growth(first: int, last: int) -> Sequence[str]:
    """Return what adds products and orders `first` to `last`; both are multiples of 20."""
    numbers = f"generate_series({first}, {last - 1}) n"
    buyers = (first // ORDERS_OF_BUYER, last // ORDERS_OF_BUYER - 1)
    buyer = id_of("user", f"n / {ORDERS_OF_BUYER}")
    store = id_of("shop", f"n % {STORES}")
    return (
        _PEOPLE.format(id=id_of("user", "n"), role="buyer", first=buyers[0], last=buyers[1]),
        f"""
        INSERT INTO products (id, store_id, category_id, name, description, price, stock,
            created_at)
        SELECT {id_of("ware", "n")}, {store}, {id_of("kind", f"n / 100 % {CATEGORIES}")},
            w[1 + n % 30] || ' ' || w[1 + n / 30 % 30] || ' ' || n,
            'Made of ' || w[1 + n / 7 % 30] || ' and ' || w[1 + n / 11 % 30]
                || ', for people who like ' || w[1 + n / 13 % 30] || ' every day. ' || md5(n::text),
            (n * 37::bigint % 100000)::numeric / 100, 1000000, now() - n * interval '1 s'
        FROM {numbers}, (SELECT {_WORDS} AS w) words
        """,
        f"""
        INSERT INTO stock_ledger (product_id, kind, delta)
        SELECT {id_of("ware", "n")}, 'opening', 1000000 FROM {numbers}
        """,
        f"""
        INSERT INTO orders (id, user_id, status, total_amount, shipping_address, created_at,
            adopted)
        SELECT {id_of("deal", "n")}, {buyer}, 'paid', 10, 'here', now() - n * interval '1 s', true
        FROM {numbers}
        """,
        f"""
        INSERT INTO order_items (order_id, product_id, quantity, price, store_id)
        SELECT {id_of("deal", "n")}, {id_of("ware", "n")}, 1, 10, {store} FROM {numbers}
        """,
        f"""
        INSERT INTO fulfilments (order_id, store_id, status, ordered_at)
        SELECT {id_of("deal", "n")}, {store}, 'paid', now() - n * interval '1 s' FROM {numbers}
        """,
        f"""
        INSERT INTO payments (order_id, status, amount, paid_at)
        SELECT {id_of("deal", "n")}, 'success', 10, now() FROM {numbers}
        """,
    )
