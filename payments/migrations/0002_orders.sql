-- What payments knows of orders: their worth, as orders told, and whether they closed. Its row is the lock under which
-- every decision about the order's money is taken.
CREATE TABLE orders (
    id         uuid                     NOT NULL,
    user_id    uuid                     NOT NULL,
    total      bigint                   NOT NULL,
    currency   text                     NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    closed_at  timestamp with time zone,
    CONSTRAINT orders_pk PRIMARY KEY (id),
    CONSTRAINT orders_total_positive CHECK (total > 0)
);

GRANT SELECT, INSERT, UPDATE (expires_at, closed_at) ON orders TO payments_runtime;
