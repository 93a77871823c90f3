-- A database of the earlier service, with every oddity that contract section 11 names.
-- All passwords are admin123.

-- Where the server has it; Pasar's own engine has not.
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pgcrypto') THEN
        CREATE EXTENSION pgcrypto;
    END IF;
END $$;

CREATE TABLE schema_migrations (version BIGINT PRIMARY KEY, dirty BOOLEAN NOT NULL);
INSERT INTO schema_migrations VALUES (1, false);

CREATE TABLE users (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    email VARCHAR(255) NOT NULL UNIQUE,
    password VARCHAR(255) NOT NULL,
    name VARCHAR(255) NOT NULL,
    role VARCHAR(20) NOT NULL DEFAULT 'buyer',
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now(),
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now()
);
CREATE TABLE stores (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id UUID NOT NULL UNIQUE REFERENCES users (id),
    name VARCHAR(255) NOT NULL,
    description TEXT DEFAULT '',
    logo_url VARCHAR(500) DEFAULT '',
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now(),
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now()
);
CREATE TABLE categories (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    name VARCHAR(255) NOT NULL UNIQUE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now(),
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now()
);
CREATE TABLE products (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    store_id UUID NOT NULL REFERENCES stores (id),
    category_id UUID NOT NULL REFERENCES categories (id),
    name VARCHAR(255) NOT NULL,
    description TEXT DEFAULT '',
    price DECIMAL(15, 2) NOT NULL,
    stock INTEGER NOT NULL DEFAULT 0,
    image_url VARCHAR(500) DEFAULT '',
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now(),
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now()
);
CREATE INDEX idx_products_store_id ON products (store_id);
CREATE INDEX idx_products_category_id ON products (category_id);
CREATE INDEX idx_products_name_search ON products USING gin (to_tsvector('english', name));
CREATE TABLE cart_items (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id UUID NOT NULL REFERENCES users (id),
    product_id UUID NOT NULL REFERENCES products (id),
    quantity INTEGER NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now(),
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now()
);
CREATE INDEX idx_cart_items_user_id ON cart_items (user_id);
CREATE TABLE orders (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id UUID NOT NULL REFERENCES users (id),
    status VARCHAR(20) NOT NULL DEFAULT 'pending',
    total_amount DECIMAL(15, 2) NOT NULL,
    shipping_address TEXT NOT NULL DEFAULT '',
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now(),
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now()
);
CREATE INDEX idx_orders_user_id ON orders (user_id);
CREATE TABLE order_items (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    order_id UUID NOT NULL REFERENCES orders (id),
    product_id UUID NOT NULL REFERENCES products (id),
    quantity INTEGER NOT NULL,
    price DECIMAL(15, 2) NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now()
);
CREATE INDEX idx_order_items_order_id ON order_items (order_id);
CREATE TABLE payments (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    order_id UUID NOT NULL UNIQUE REFERENCES orders (id),
    method VARCHAR(50) NOT NULL DEFAULT 'mock',
    status VARCHAR(20) NOT NULL DEFAULT 'pending',
    amount DECIMAL(15, 2) NOT NULL,
    paid_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now(),
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now()
);
CREATE TABLE reviews (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id UUID NOT NULL REFERENCES users (id),
    product_id UUID NOT NULL REFERENCES products (id),
    rating INTEGER NOT NULL CHECK (rating BETWEEN 1 AND 5),
    comment TEXT DEFAULT '',
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now(),
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now(),
    UNIQUE (user_id, product_id)
);
CREATE INDEX idx_reviews_product_id ON reviews (product_id);

-- The names say what is odd. Ids: one letter a kind, one digit a row.
INSERT INTO users (id, email, name, role, created_at, updated_at, password)
SELECT id::uuid, email, name, role, created_at::timestamptz, updated_at::timestamptz,
    '$2a$10$R19Bg9aiWS2DxyO3arbf3eVZwEER6/b1cIcR84yF5uvz9zlKE7LUK'
FROM (VALUES
    ('a0000000-0000-0000-0000-000000000001', 'admin@example.com', 'Admin', 'admin',
        '2020-01-01Z', '2020-01-01Z'),
    ('a0000000-0000-0000-0000-000000000002', 'seller@example.com', 'Seller', 'seller',
        '2020-01-01Z', '2020-01-01Z'),
    ('a0000000-0000-0000-0000-000000000003', 'Buyer@example.com', 'Buyer', 'buyer',
        NULL, '2020-02-02Z'),
    ('a0000000-0000-0000-0000-000000000004', 'twin@example.com', 'Lower twin', 'buyer',
        NULL, NULL),
    ('a0000000-0000-0000-0000-000000000005', 'TWIN@example.com', 'Upper twin', 'buyer',
        '2020-01-01Z', NULL),
    ('a0000000-0000-0000-0000-000000000006', 'root@example.com', '  ', 'superuser',
        '2020-01-01Z', '2020-01-01Z')
) AS given (id, email, name, role, created_at, updated_at);

INSERT INTO stores (id, user_id, name, description, logo_url, created_at, updated_at) VALUES
    ('b0000000-0000-0000-0000-000000000001', 'a0000000-0000-0000-0000-000000000002',
        ' ', NULL, NULL, NULL, NULL);

INSERT INTO categories (id, name, created_at, updated_at) VALUES
    ('c0000000-0000-0000-0000-000000000001', 'Tea', NULL, NULL);

INSERT INTO products
    (id, store_id, category_id, name, description, price, stock, image_url, created_at)
SELECT id::uuid, 'b0000000-0000-0000-0000-000000000001', 'c0000000-0000-0000-0000-000000000001',
    name, description, price, stock, image_url, created_at::timestamptz
FROM (VALUES
    ('d0000000-0000-0000-0000-000000000001', 'Oolong', 'Green', 12.50, 7, '', '2020-01-01Z'),
    ('d0000000-0000-0000-0000-000000000002', 'Negative stock', NULL, 5, -3, NULL, NULL),
    ('d0000000-0000-0000-0000-000000000003', 'Negative price', '', -1, 9, '', '2020-01-01Z'),
    ('d0000000-0000-0000-0000-000000000004', '   ', '', 1, 1, '', '2020-01-01Z')
) AS given (id, name, description, price, stock, image_url, created_at);

INSERT INTO cart_items (id, user_id, product_id, quantity, created_at, updated_at) VALUES
    ('e0000000-0000-0000-0000-000000000001', 'a0000000-0000-0000-0000-000000000003',
        'd0000000-0000-0000-0000-000000000001', 2, '2020-03-01Z', '2020-03-01Z'),
    ('e0000000-0000-0000-0000-000000000002', 'a0000000-0000-0000-0000-000000000003',
        'd0000000-0000-0000-0000-000000000001', 3, '2020-03-02Z', '2020-03-03Z'),
    ('e0000000-0000-0000-0000-000000000003', 'a0000000-0000-0000-0000-000000000003',
        'd0000000-0000-0000-0000-000000000001', 1, NULL, '2020-03-02Z'),
    ('e0000000-0000-0000-0000-000000000004', 'a0000000-0000-0000-0000-000000000004',
        'd0000000-0000-0000-0000-000000000001', 0, '2020-03-01Z', '2020-03-01Z'),
    ('e0000000-0000-0000-0000-000000000005', 'a0000000-0000-0000-0000-000000000005',
        'd0000000-0000-0000-0000-000000000004', 2147483647, '2020-03-01Z', '2020-03-01Z'),
    ('e0000000-0000-0000-0000-000000000006', 'a0000000-0000-0000-0000-000000000005',
        'd0000000-0000-0000-0000-000000000004', 2147483647, '2020-03-02Z', '2020-03-02Z');

-- 1 never paid, 2 delivered, 3 cancelled and paid again, 4 without lines and times, 5 a wild status.
INSERT INTO orders (id, user_id, status, total_amount, created_at, updated_at)
SELECT id::uuid, 'a0000000-0000-0000-0000-000000000003', status, total,
    created_at::timestamptz, created_at::timestamptz
FROM (VALUES
    ('f0000000-0000-0000-0000-000000000001', 'pending', 25, '2020-04-01Z'),
    ('f0000000-0000-0000-0000-000000000002', 'completed', 25, '2020-04-02Z'),
    ('f0000000-0000-0000-0000-000000000003', 'paid', 25, '2020-04-03Z'),
    ('f0000000-0000-0000-0000-000000000004', 'pending', 0, NULL),
    ('f0000000-0000-0000-0000-000000000005', 'lost', -2, '2020-04-05Z')
) AS given (id, status, total, created_at);

INSERT INTO order_items (order_id, product_id, quantity, price, created_at) VALUES
    ('f0000000-0000-0000-0000-000000000001', 'd0000000-0000-0000-0000-000000000001', 2, 12.50, NULL),
    ('f0000000-0000-0000-0000-000000000002', 'd0000000-0000-0000-0000-000000000001', 1, 12.50, now()),
    ('f0000000-0000-0000-0000-000000000002', 'd0000000-0000-0000-0000-000000000001', 1, 12.50, now()),
    ('f0000000-0000-0000-0000-000000000003', 'd0000000-0000-0000-0000-000000000001', 2, 12.50, now()),
    ('f0000000-0000-0000-0000-000000000005', 'd0000000-0000-0000-0000-000000000003', 2, -1.00, now());

INSERT INTO reviews (user_id, product_id, rating, comment, created_at, updated_at) VALUES
    ('a0000000-0000-0000-0000-000000000003', 'd0000000-0000-0000-0000-000000000001',
        5, NULL, NULL, NULL);
