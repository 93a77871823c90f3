"""
What Pasar adds to the contract's tables: stock ledger, per-store parts, history, outbox, sessions.

Constraints bear names, since the adapters tell violations apart by them. The role `store_app`, as
which the service runs, may change rows but no table, and may only add to the two append-only ones.

Rows that the earlier service let pass are cleaned before the constraints come that refuse them.
"""

import logging

from alembic import op

revision = "0002"
down_revision = "0001"

# Without a handler a warning is a plain line on stderr, which is what `pasar migrate` wants.
log = logging.getLogger("pasar.migrate")

BEFORE_CLEANING = (
    """
    ALTER TABLE users
        ADD COLUMN email_key TEXT,
        ADD COLUMN token_version INTEGER NOT NULL DEFAULT 0,
        ADD COLUMN disabled_at TIMESTAMPTZ
    """,
    "UPDATE users SET email_key = lower(email)",
    """
    ALTER TABLE products
        ADD COLUMN deleted_at TIMESTAMPTZ,
        ADD COLUMN version BIGINT NOT NULL DEFAULT 1
    """,
)

TIMED = ("users", "stores", "categories", "products", "cart_items", "orders", "payments", "reviews")

# What is done to rows of the earlier service: in words for the log, and in SQL.
CLEANING = (
    *(
        (
            f"{table}: missing times filled",
            f"""
            UPDATE {table} SET
                created_at = coalesce(created_at, updated_at, now()),
                updated_at = coalesce(updated_at, created_at, now())
            WHERE created_at IS NULL OR updated_at IS NULL
            """,  # noqa: S608  our own names
        )
        for table in TIMED
    ),
    (
        "order_items: missing times taken from the order",
        """
        UPDATE order_items i SET created_at = o.created_at
        FROM orders o
        WHERE o.id = i.order_id AND i.created_at IS NULL
        """,
    ),
    (
        "stores: missing texts emptied",
        """
        UPDATE stores SET
            description = coalesce(description, ''), logo_url = coalesce(logo_url, '')
        WHERE description IS NULL OR logo_url IS NULL
        """,
    ),
    (
        "products: missing texts emptied",
        """
        UPDATE products SET
            description = coalesce(description, ''), image_url = coalesce(image_url, '')
        WHERE description IS NULL OR image_url IS NULL
        """,
    ),
    (
        "reviews: missing texts emptied",
        "UPDATE reviews SET comment = '' WHERE comment IS NULL",
    ),
    # They log in by their exact spelling; no other spelling can tell them apart.
    (
        "users: addresses that differ in letter case only, left to their exact spelling",
        """
        UPDATE users SET email_key = NULL
        WHERE email_key IN (SELECT email_key FROM users GROUP BY email_key HAVING count(*) > 1)
        """,
    ),
    (
        "users: unknown roles reduced to buyer",
        "UPDATE users SET role = 'buyer' WHERE role NOT IN ('buyer', 'seller', 'admin')",
    ),
    (
        "products: negative stock set to 0",
        "UPDATE products SET stock = 0 WHERE stock < 0",
    ),
    (
        "products: negative price set to 0, and the product hidden",
        "UPDATE products SET price = 0, deleted_at = now() WHERE price < 0",
    ),
    (
        "cart_items: lines of no quantity dropped",
        "DELETE FROM cart_items WHERE quantity <= 0",
    ),
    (
        "cart_items: further lines of one product merged into the first",
        """
        WITH line AS (
            SELECT id, row_number() OVER (twins ORDER BY created_at, id) AS place,
                sum(quantity) OVER twins AS quantity, max(updated_at) OVER twins AS updated_at
            FROM cart_items
            WINDOW twins AS (PARTITION BY user_id, product_id)
        ), merged AS (
            UPDATE cart_items i SET
                quantity = least(l.quantity, 2147483647), updated_at = l.updated_at
            FROM line l
            WHERE l.id = i.id AND l.place = 1
        )
        DELETE FROM cart_items i USING line l WHERE l.id = i.id AND l.place > 1
        """,
    ),
    # The one end that moves no stock and no money, and lets nobody review.
    (
        "orders: unknown status turned into cancelled",
        """
        UPDATE orders SET status = 'cancelled' WHERE status NOT IN (
            'pending', 'paid', 'processing', 'shipping', 'shipped', 'completed', 'cancelled')
        """,
    ),
)

UPGRADE = (
    """
    ALTER TABLE users
        ADD CONSTRAINT users_role_known CHECK (role IN ('buyer', 'seller', 'admin')),
        ADD CONSTRAINT users_email_key_unique UNIQUE (email_key),
        ALTER COLUMN created_at SET NOT NULL,
        ALTER COLUMN updated_at SET NOT NULL
    """,
    """
    ALTER TABLE products
        ADD CONSTRAINT products_stock_not_negative CHECK (stock >= 0),
        ADD CONSTRAINT products_price_not_negative CHECK (price >= 0),
        SET (fillfactor = 70)
    """,
    """
    CREATE TABLE carts (
        user_id UUID PRIMARY KEY REFERENCES users (id),
        version BIGINT NOT NULL DEFAULT 1,
        updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
    ) WITH (fillfactor = 70)
    """,
    """
    ALTER TABLE cart_items
        ADD CONSTRAINT cart_items_one_line UNIQUE (user_id, product_id),
        ADD CONSTRAINT cart_items_quantity_positive CHECK (quantity > 0)
    """,
    "CREATE INDEX idx_cart_items_product_id ON cart_items (product_id)",
    """
    ALTER TABLE orders
        ADD COLUMN cancel_reason VARCHAR(20),
        ADD COLUMN adopted BOOLEAN NOT NULL DEFAULT false,
        ADD CONSTRAINT orders_status_known CHECK (status IN (
            'pending', 'paid', 'processing', 'shipping', 'shipped', 'completed', 'cancelled')),
        ADD CONSTRAINT orders_cancel_reason_known CHECK (cancel_reason IN (
            'buyer', 'payment_failed', 'payment_timeout')),
        SET (fillfactor = 80)
    """,
    "CREATE INDEX idx_orders_user_newest ON orders (user_id, created_at, id)",
    "ALTER TABLE order_items ADD COLUMN store_id UUID REFERENCES stores (id)",
    """
    UPDATE order_items i SET store_id = p.store_id FROM products p WHERE p.id = i.product_id
    """,
    # NOT VALID: old lines stay as they were sold, at a negative price too.
    """
    ALTER TABLE order_items
        ALTER COLUMN store_id SET NOT NULL,
        ADD CONSTRAINT order_items_quantity_positive CHECK (quantity > 0) NOT VALID,
        ADD CONSTRAINT order_items_price_not_negative CHECK (price >= 0) NOT VALID
    """,
    "CREATE INDEX idx_order_items_product_id ON order_items (product_id)",
    """
    ALTER TABLE payments
        ADD COLUMN currency VARCHAR(3) NOT NULL DEFAULT 'IDR',
        ADD COLUMN payment_ref TEXT,
        ADD COLUMN reason TEXT,
        ADD CONSTRAINT payments_status_known CHECK (status IN (
            'pending', 'success', 'failed', 'refunded')),
        SET (fillfactor = 80)
    """,
    """
    CREATE TABLE fulfilments (
        order_id UUID NOT NULL REFERENCES orders (id),
        store_id UUID NOT NULL REFERENCES stores (id),
        status VARCHAR(20) NOT NULL CONSTRAINT fulfilments_status_known CHECK (status IN (
            'pending', 'paid', 'processing', 'shipping', 'shipped', 'completed', 'cancelled')),
        updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        PRIMARY KEY (order_id, store_id)
    ) WITH (fillfactor = 80)
    """,
    """
    CREATE TABLE order_status_history (
        id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        order_id UUID NOT NULL REFERENCES orders (id),
        store_id UUID REFERENCES stores (id),
        from_status VARCHAR(20),
        to_status VARCHAR(20) NOT NULL,
        actor VARCHAR(20) NOT NULL,
        actor_id UUID,
        request_id TEXT NOT NULL,
        at TIMESTAMPTZ NOT NULL DEFAULT now(),
        CONSTRAINT order_status_history_part_once UNIQUE (order_id, store_id, to_status)
    )
    """,
    """
    CREATE UNIQUE INDEX order_status_history_once
        ON order_status_history (order_id, to_status) WHERE store_id IS NULL
    """,
    """
    CREATE TABLE stock_ledger (
        id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        product_id UUID NOT NULL REFERENCES products (id),
        order_id UUID REFERENCES orders (id),
        kind VARCHAR(10) NOT NULL CONSTRAINT stock_ledger_kind_known CHECK (kind IN (
            'opening', 'sale', 'restock', 'edit', 'cap')),
        delta BIGINT NOT NULL,
        at TIMESTAMPTZ NOT NULL DEFAULT now(),
        CONSTRAINT stock_ledger_once UNIQUE (order_id, product_id, kind)
    )
    """,
    "CREATE INDEX idx_stock_ledger_product_id ON stock_ledger (product_id)",
    """
    CREATE TABLE refresh_families (
        id UUID PRIMARY KEY,
        user_id UUID NOT NULL REFERENCES users (id),
        address_key TEXT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        revoked_at TIMESTAMPTZ
    )
    """,
    "CREATE INDEX idx_refresh_families_user_id ON refresh_families (user_id)",
    """
    CREATE TABLE refresh_tokens (
        id UUID PRIMARY KEY,
        family_id UUID NOT NULL REFERENCES refresh_families (id),
        parent_id UUID UNIQUE REFERENCES refresh_tokens (id),
        token_sha256 BYTEA NOT NULL,
        role VARCHAR(20) NOT NULL,
        access_jti UUID NOT NULL,
        issued_at TIMESTAMPTZ NOT NULL,
        expires_at TIMESTAMPTZ NOT NULL,
        used_at TIMESTAMPTZ
    )
    """,
    "CREATE INDEX idx_refresh_tokens_family_id ON refresh_tokens (family_id)",
    """
    CREATE TABLE outbox (
        id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        message_id UUID NOT NULL UNIQUE,
        topic TEXT NOT NULL,
        aggregate_id TEXT NOT NULL,
        payload JSONB NOT NULL,
        created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        sent_at TIMESTAMPTZ,
        attempts INTEGER NOT NULL DEFAULT 0,
        next_at TIMESTAMPTZ NOT NULL DEFAULT now()
    )
    """,
    "CREATE INDEX idx_outbox_unsent ON outbox (id) WHERE sent_at IS NULL",
    "CREATE INDEX idx_outbox_aggregate_id ON outbox (aggregate_id)",
    """
    CREATE TABLE inbox (
        consumer TEXT NOT NULL,
        message_id UUID NOT NULL,
        at TIMESTAMPTZ NOT NULL DEFAULT now(),
        PRIMARY KEY (consumer, message_id)
    )
    """,
    """
    CREATE TABLE dead_letters (
        id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        topic TEXT NOT NULL,
        body BYTEA NOT NULL,
        error TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        at TIMESTAMPTZ NOT NULL DEFAULT now()
    )
    """,
    # What the rows of an earlier time owe to the new tables: carts, parts, and the ledger's start.
    """
    INSERT INTO carts (user_id, updated_at)
    SELECT user_id, max(updated_at) FROM cart_items GROUP BY user_id
    """,
    "UPDATE orders SET adopted = true",
    """
    INSERT INTO fulfilments (order_id, store_id, status)
    SELECT DISTINCT i.order_id, i.store_id, o.status
    FROM order_items i JOIN orders o ON o.id = i.order_id
    """,
    """
    INSERT INTO stock_ledger (product_id, kind, delta)
    SELECT id, 'opening', stock FROM products WHERE stock <> 0
    """,
    """
    DO $$ BEGIN
        CREATE ROLE store_app NOLOGIN;
    EXCEPTION WHEN duplicate_object OR unique_violation OR insufficient_privilege THEN
        NULL;  -- roles belong to the server: another database, or its keeper, was first
    END $$
    """,
    """
    DO $$ BEGIN
        IF NOT pg_has_role(current_user, 'store_app', 'SET') THEN
            GRANT store_app TO CURRENT_USER;
        END IF;
    END $$
    """,
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO store_app",
    "REVOKE UPDATE, DELETE ON stock_ledger, order_status_history FROM store_app",
    "REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM store_app",
    """
    DO $$ BEGIN
        IF to_regclass('schema_migrations') IS NOT NULL THEN
            REVOKE ALL ON schema_migrations FROM store_app;  -- the earlier service's
        END IF;
    END $$
    """,
)

DOWNGRADE = (
    "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM store_app",
    """
    DROP TABLE dead_letters, inbox, outbox, refresh_tokens, refresh_families, stock_ledger,
        order_status_history, fulfilments, carts
    """,
    """
    ALTER TABLE payments
        DROP COLUMN currency,
        DROP COLUMN payment_ref,
        DROP COLUMN reason,
        DROP CONSTRAINT payments_status_known,
        RESET (fillfactor)
    """,
    "DROP INDEX idx_order_items_product_id, idx_orders_user_newest, idx_cart_items_product_id",
    """
    ALTER TABLE order_items
        DROP COLUMN store_id,
        DROP CONSTRAINT order_items_quantity_positive,
        DROP CONSTRAINT order_items_price_not_negative
    """,
    """
    ALTER TABLE orders
        DROP COLUMN cancel_reason,
        DROP COLUMN adopted,
        DROP CONSTRAINT orders_status_known,
        RESET (fillfactor)
    """,
    """
    ALTER TABLE cart_items
        DROP CONSTRAINT cart_items_one_line,
        DROP CONSTRAINT cart_items_quantity_positive
    """,
    """
    ALTER TABLE products
        DROP COLUMN deleted_at,
        DROP COLUMN version,
        DROP CONSTRAINT products_stock_not_negative,
        DROP CONSTRAINT products_price_not_negative,
        RESET (fillfactor)
    """,
    """
    ALTER TABLE users
        DROP COLUMN email_key,
        DROP COLUMN token_version,
        DROP COLUMN disabled_at,
        DROP CONSTRAINT users_role_known,
        ALTER COLUMN created_at DROP NOT NULL,
        ALTER COLUMN updated_at DROP NOT NULL
    """,
)


def upgrade() -> None:
    for statement in BEFORE_CLEANING:
        op.execute(statement)
    clean()
    for statement in UPGRADE:
        op.execute(statement)


def clean() -> None:
    for what, statement in CLEANING:
        rows = op.get_bind().exec_driver_sql(statement).rowcount
        if rows:
            log.warning("%s (%d)", what, rows)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
