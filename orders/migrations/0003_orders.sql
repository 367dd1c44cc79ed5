-- Orders and what was ordered. Nothing is ever deleted here: these are books.
CREATE TABLE orders (
    id         uuid        NOT NULL,
    user_id    uuid        NOT NULL,
    status     text        NOT NULL,
    total      bigint      NOT NULL,
    currency   text        NOT NULL,
    payment_id uuid,
    version    integer     NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT orders_pk PRIMARY KEY (id),
    CONSTRAINT orders_total_ck CHECK (total > 0),
    CONSTRAINT orders_status_ck
        CHECK (status IN ('PENDING', 'PAID', 'FULFILLED', 'CANCELLED', 'EXPIRED', 'REFUNDED')),
    CONSTRAINT orders_payment_ck
        CHECK (payment_id IS NOT NULL OR status IN ('PENDING', 'CANCELLED', 'EXPIRED'))
);
CREATE INDEX orders_user_id_ix ON orders (user_id, id);
CREATE INDEX orders_due_ix ON orders (expires_at) WHERE status = 'PENDING';

CREATE TABLE order_items (
    order_id   uuid             NOT NULL,
    sku        text COLLATE "C" NOT NULL,
    position   smallint         NOT NULL,
    name       text             NOT NULL,
    quantity   integer          NOT NULL,
    unit_price bigint           NOT NULL,
    CONSTRAINT order_items_pk PRIMARY KEY (order_id, sku),
    CONSTRAINT order_items_order_fk FOREIGN KEY (order_id) REFERENCES orders (id),
    CONSTRAINT order_items_product_fk FOREIGN KEY (sku) REFERENCES products (sku),
    CONSTRAINT order_items_quantity_ck CHECK (quantity > 0),
    CONSTRAINT order_items_unit_price_ck CHECK (unit_price > 0)
);

GRANT SELECT, INSERT, UPDATE ON orders TO orders_runtime;
GRANT SELECT, INSERT ON order_items TO orders_runtime;
