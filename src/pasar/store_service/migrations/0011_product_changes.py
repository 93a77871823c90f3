"""
What a list counts is noted as it changes, so that a count is brought up to date, not made anew.

A product that comes into the lists is a row of +1, one that leaves them a row of -1, one that is
altered both. Triggers, since the shop is not the only writer: the release before this one still
runs while this is deployed, and an operator may correct a row by hand. Sales alter no list and note
nothing.
"""

from alembic import op

revision = "0011"
down_revision = "0010"

UPGRADE = (
    """
    CREATE TABLE product_changes (
        id BIGINT GENERATED ALWAYS AS IDENTITY CONSTRAINT product_changes_pkey PRIMARY KEY,
        xact XID8 NOT NULL DEFAULT pg_current_xact_id(),
        at TIMESTAMPTZ NOT NULL DEFAULT now(),
        delta SMALLINT NOT NULL CONSTRAINT product_changes_one CHECK (delta IN (-1, 1)),
        store_id UUID NOT NULL,
        category_id UUID NOT NULL,
        name TEXT NOT NULL,
        description TEXT,
        price NUMERIC NOT NULL,
        words TSVECTOR NOT NULL
    )
    """,
    "CREATE INDEX idx_product_changes_xact ON product_changes (xact)",
    "CREATE INDEX idx_product_changes_at ON product_changes USING brin (at)",
    "GRANT SELECT, DELETE ON product_changes TO store_app",
    # With the rights of its owner: whoever may write products, by whatever role, notes it.
    """
    CREATE FUNCTION note_product_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    BEGIN
        IF TG_OP <> 'INSERT' AND OLD.deleted_at IS NULL THEN
            INSERT INTO product_changes
                (delta, store_id, category_id, name, description, price, words)
            VALUES (-1, OLD.store_id, OLD.category_id, OLD.name, OLD.description, OLD.price,
                OLD.words);
        END IF;
        IF TG_OP <> 'DELETE' AND NEW.deleted_at IS NULL THEN
            INSERT INTO product_changes
                (delta, store_id, category_id, name, description, price, words)
            VALUES (1, NEW.store_id, NEW.category_id, NEW.name, NEW.description, NEW.price,
                NEW.words);
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER products_listed AFTER INSERT OR DELETE ON products
        FOR EACH ROW EXECUTE FUNCTION note_product_change()
    """,
    """
    CREATE TRIGGER products_altered
        AFTER UPDATE OF store_id, category_id, name, description, price, created_at, deleted_at
        ON products FOR EACH ROW
        WHEN ((OLD.store_id, OLD.category_id, OLD.name, OLD.description, OLD.price, OLD.created_at,
                OLD.deleted_at)
            IS DISTINCT FROM (NEW.store_id, NEW.category_id, NEW.name, NEW.description, NEW.price,
                NEW.created_at, NEW.deleted_at))
        EXECUTE FUNCTION note_product_change()
    """,
)

DOWNGRADE = (
    "DROP TRIGGER products_altered ON products",
    "DROP TRIGGER products_listed ON products",
    "DROP FUNCTION note_product_change()",
    "DROP TABLE product_changes",
)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
