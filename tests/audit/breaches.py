"""One broken row each: the invariant, the statements that plant it, the row it has to name."""

from typing import Final

from tests.audit.shop import CHECKOUT

BREACHES: Final = [
    ("I01", "UPDATE products SET stock = 7", "product $PRODUCT"),
    (
        "I01",
        """
        UPDATE stock_ledger SET delta = -3 WHERE order_id = '$SHIPPED';
        UPDATE stock_ledger SET delta = 11 WHERE kind = 'opening'
        """,
        "order $SHIPPED",
    ),
    ("I01", "UPDATE order_items SET quantity = 9 WHERE quantity = 1", "order $DECLINED"),
    (
        "I02",
        """
        ALTER TABLE products DROP CONSTRAINT products_stock_not_negative;
        UPDATE products SET stock = -1
        """,
        "product $PRODUCT",
    ),
    (
        "I02",
        """
        ALTER TABLE products DROP CONSTRAINT products_price_not_negative;
        UPDATE products SET price = -1
        """,
        "product $PRODUCT",
    ),
    (
        "I02",
        """
        ALTER TABLE order_items DROP CONSTRAINT order_items_quantity_positive;
        UPDATE order_items SET quantity = 0 WHERE order_id = '$SHIPPED'
        """,
        "order $SHIPPED",
    ),
    ("I03", "DELETE FROM stock_ledger WHERE kind = 'restock'", "order $DECLINED"),
    (
        "I03",
        """
        INSERT INTO stock_ledger (product_id, order_id, kind, delta)
        VALUES ('$PRODUCT', '$SHIPPED', 'restock', 2)
        """,
        "order $SHIPPED",
    ),
    (
        "I03",
        """
        ALTER TABLE stock_ledger DROP CONSTRAINT stock_ledger_once;
        INSERT INTO stock_ledger (product_id, order_id, kind, delta)
        VALUES ('$PRODUCT', '$DECLINED', 'restock', 2)
        """,
        "order $DECLINED",
    ),
    ("I04", "UPDATE orders SET total_amount = 9.99 WHERE id = '$SHIPPED'", "order $SHIPPED"),
    ("I04", "DELETE FROM order_items WHERE order_id = '$DECLINED'", "order $DECLINED"),
    ("I05", CHECKOUT, "order $UNSETTLED"),
    ("I05", "UPDATE payments SET status = 'pending' WHERE amount = 10", "order $SHIPPED"),
    ("I06", "UPDATE payment.charges SET status = 'failed'", "order $SHIPPED"),
    ("I06", "UPDATE payment.charges SET amount = 9.99", "order $SHIPPED"),
    ("I07", "UPDATE payment.charges SET status = 'success'", "order $DECLINED"),
    ("I07", "UPDATE payment.charges SET order_id = 'strange' WHERE amount = 10", "order strange"),
    (
        "I07",
        "INSERT INTO refunds (order_id, amount) VALUES ('$SHIPPED', 10)",
        "order $SHIPPED",
    ),
    (
        "I08",
        """
        INSERT INTO payment.provider_ledger (key, kind, order_id, amount, approved)
        VALUES ('charge:again', 'charge', '$SHIPPED', 10, true)
        """,
        "order $SHIPPED",
    ),
    ("I08", "UPDATE payment.provider_ledger SET amount = 9.99 WHERE approved", "order $SHIPPED"),
    ("I08", "UPDATE payment.provider_ledger SET approved = true", "order $DECLINED"),
    (
        "I08",
        """
        INSERT INTO payment.provider_ledger (key, kind, order_id, amount, approved)
        VALUES ('charge:x', 'charge', 'strange', 10, true)
        """,
        "order strange",
    ),
    ("I09", "UPDATE orders SET status = 'paid' WHERE id = '$SHIPPED'", "order $SHIPPED"),
    ("I09", "UPDATE fulfilments SET status = 'paid' WHERE status = 'shipped'", "order $SHIPPED"),
    ("I09", "DELETE FROM order_status_history WHERE to_status = 'paid'", "order $SHIPPED"),
    ("I09", "DELETE FROM order_status_history WHERE to_status = 'pending'", "order $DECLINED"),
    ("I09", "DELETE FROM order_status_history WHERE order_id = '$DECLINED'", "order $DECLINED"),
    (
        "I09",
        """
        DELETE FROM order_status_history WHERE to_status IN ('processing', 'shipping');
        UPDATE order_status_history SET from_status = 'paid' WHERE to_status = 'shipped'
        """,
        "order $SHIPPED",
    ),
    ("I10", "UPDATE outbox SET sent_at = NULL WHERE aggregate_id = '$SHIPPED'", "order $SHIPPED"),
    ("I10", "UPDATE payment.outbox SET sent_at = NULL", "order $DECLINED"),
    ("I10", "DELETE FROM outbox WHERE aggregate_id = '$SHIPPED'", "order $SHIPPED"),
    (
        "I10",
        """
        INSERT INTO outbox (message_id, topic, aggregate_id, payload, sent_at)
        VALUES (gen_random_uuid(), 'order.created', '$SHIPPED', '{}', now())
        """,
        "order $SHIPPED",
    ),
    (
        "I12",
        """
        INSERT INTO idempotency_keys
        (user_id, route, key, body_sha256, resource_id, status, response)
        VALUES ('$BUYER', 'POST /api/v1/orders', 'k', '', '$STRANGE', 201, '')
        """,
        "order $STRANGE",
    ),
    ("I12", "UPDATE idempotency_keys SET user_id = '$SELLER'", "order $SHIPPED"),
    (
        "I13",
        """
        UPDATE fulfilments SET status = 'shipping' WHERE status = 'shipped'
        """,
        "review $REVIEW",
    ),
    ("I13", "UPDATE reviews SET user_id = '$SELLER'", "review $REVIEW"),
    (
        "I14",
        """
        INSERT INTO refresh_tokens
        (id, family_id, parent_id, token_sha256, role, access_jti, issued_at, expires_at)
        SELECT gen_random_uuid(), family_id, id, '', role, access_jti, issued_at, expires_at
        FROM refresh_tokens
        """,
        "refresh family $FAMILY",
    ),
]
