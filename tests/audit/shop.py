"""A small shop in which every invariant holds: one shipped order, one declined one, one review."""

from collections.abc import Mapping
from string import Template
from typing import Final

from pasar.kit.postgres import PostgresDatabase

NAMES: Final = ("BUYER", "SELLER", "STORE", "TEA", "PRODUCT", "SHIPPED", "DECLINED", "UNSETTLED",
                "REVIEW", "FAMILY", "STRANGE")  # fmt: skip
IDS: Final[Mapping[str, str]] = {
    name: f"00000000-0000-7000-8000-{number:012}" for number, name in enumerate(NAMES)
}

SHOP: Final = """
INSERT INTO users (id, email, password, name, role) VALUES
    ('$BUYER', 'b@example.com', '-', 'B', 'buyer'),
    ('$SELLER', 's@example.com', '-', 'S', 'seller');
INSERT INTO stores (id, user_id, name) VALUES ('$STORE', '$SELLER', 'Tea');
INSERT INTO categories (id, name) VALUES ('$TEA', 'Tea');
INSERT INTO products (id, store_id, category_id, name, price, stock)
VALUES ('$PRODUCT', '$STORE', '$TEA', 'Oolong', 5, 8);
INSERT INTO orders (id, user_id, status, total_amount, cancel_reason) VALUES
    ('$SHIPPED', '$BUYER', 'shipped', 10, NULL),
    ('$DECLINED', '$BUYER', 'cancelled', 5, 'payment_failed');
INSERT INTO order_items (order_id, product_id, store_id, quantity, price) VALUES
    ('$SHIPPED', '$PRODUCT', '$STORE', 2, 5), ('$DECLINED', '$PRODUCT', '$STORE', 1, 5);
INSERT INTO fulfilments (order_id, store_id, status) VALUES
    ('$SHIPPED', '$STORE', 'shipped'), ('$DECLINED', '$STORE', 'cancelled');
INSERT INTO stock_ledger (product_id, order_id, kind, delta) VALUES
    ('$PRODUCT', NULL, 'opening', 10), ('$PRODUCT', '$SHIPPED', 'sale', -2),
    ('$PRODUCT', '$DECLINED', 'sale', -1), ('$PRODUCT', '$DECLINED', 'restock', 1);
INSERT INTO order_status_history (order_id, from_status, to_status, actor, request_id) VALUES
    ('$SHIPPED', NULL, 'pending', 'buyer', ''),
    ('$SHIPPED', 'pending', 'paid', 'payment', ''),
    ('$SHIPPED', 'paid', 'processing', 'seller', ''),
    ('$SHIPPED', 'processing', 'shipping', 'seller', ''),
    ('$SHIPPED', 'shipping', 'shipped', 'seller', ''),
    ('$DECLINED', NULL, 'pending', 'buyer', ''),
    ('$DECLINED', 'pending', 'cancelled', 'payment', '');
INSERT INTO payments (order_id, status, amount) VALUES
    ('$SHIPPED', 'success', 10), ('$DECLINED', 'failed', 5);
INSERT INTO outbox (message_id, topic, aggregate_id, payload, sent_at) VALUES
    (gen_random_uuid(), 'order.created', '$SHIPPED', '{}', now()),
    (gen_random_uuid(), 'order.created', '$DECLINED', '{}', now());
INSERT INTO payment.charges (order_id, payment_id, method, amount, currency, status, next_at) VALUES
    ('$SHIPPED', 'pay_1', 'mock', 10, 'IDR', 'success', now()),
    ('$DECLINED', 'pay_2', 'mock', 5, 'IDR', 'failed', now());
INSERT INTO payment.provider_ledger (key, kind, order_id, amount, approved) VALUES
    ('charge:1', 'charge', '$SHIPPED', 10, true), ('charge:2', 'charge', '$DECLINED', 5, false);
INSERT INTO payment.outbox (message_id, topic, aggregate_id, payload, sent_at) VALUES
    (gen_random_uuid(), 'payment.success', '$SHIPPED', '{}', now()),
    (gen_random_uuid(), 'payment.failed', '$DECLINED', '{}', now());
INSERT INTO idempotency_keys (user_id, route, key, body_sha256, resource_id, status, response)
VALUES ('$BUYER', 'POST /api/v1/orders', 'key', '', '$SHIPPED', 201, '');
INSERT INTO reviews (id, user_id, product_id, rating) VALUES ('$REVIEW', '$BUYER', '$PRODUCT', 5);
INSERT INTO refresh_families (id, user_id, address_key) VALUES ('$FAMILY', '$BUYER', '');
INSERT INTO refresh_tokens
    (id, family_id, token_sha256, role, access_jti, issued_at, expires_at)
SELECT gen_random_uuid(), '$FAMILY', '', 'buyer', gen_random_uuid(), now(), now() + interval '1 h'
"""

CHECKOUT: Final = """
INSERT INTO orders (id, user_id, total_amount) VALUES ('$UNSETTLED', '$BUYER', 5);
INSERT INTO order_items (order_id, product_id, store_id, quantity, price)
VALUES ('$UNSETTLED', '$PRODUCT', '$STORE', 1, 5);
INSERT INTO fulfilments (order_id, store_id, status) VALUES ('$UNSETTLED', '$STORE', 'pending');
UPDATE products SET stock = stock - 1;
INSERT INTO stock_ledger (product_id, order_id, kind, delta)
VALUES ('$PRODUCT', '$UNSETTLED', 'sale', -1);
INSERT INTO order_status_history (order_id, to_status, actor, request_id)
VALUES ('$UNSETTLED', 'pending', 'buyer', '');
INSERT INTO payments (order_id, amount) VALUES ('$UNSETTLED', 5);
INSERT INTO outbox (message_id, topic, aggregate_id, payload, sent_at)
VALUES (gen_random_uuid(), 'order.created', '$UNSETTLED', '{}', now())
"""


async def plant(owner: PostgresDatabase, script: str) -> None:
    """Run statements in which `$SHIPPED`, `$PRODUCT`, … stand for the shop's ids."""
    await owner.execute(Template(script).substitute(IDS))
