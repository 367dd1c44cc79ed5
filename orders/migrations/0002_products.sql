-- The catalogue. Every order changes its products' rows: the free space keeps those updates on their page (heap-only).
CREATE TABLE products (
    id          uuid             NOT NULL,
    sku         text COLLATE "C" NOT NULL,
    name        text             NOT NULL,
    description text             NOT NULL,
    category    text             NOT NULL,
    price       bigint           NOT NULL,
    currency    text             NOT NULL,
    stock       integer          NOT NULL,
    updated_at  timestamptz      NOT NULL,
    CONSTRAINT products_pk PRIMARY KEY (id),
    CONSTRAINT products_sku_uq UNIQUE (sku),
    CONSTRAINT products_price_ck CHECK (price > 0),
    CONSTRAINT products_stock_ck CHECK (stock >= 0)
) WITH (fillfactor = 80);

-- Where a catalogue that is being loaded waits for its last row. Rows never outlive the transaction that brought them.
CREATE UNLOGGED TABLE products_incoming (
    id          uuid             NOT NULL,
    sku         text COLLATE "C" NOT NULL,
    name        text             NOT NULL,
    description text             NOT NULL,
    category    text             NOT NULL,
    price       bigint           NOT NULL,
    currency    text             NOT NULL,
    stock       integer          NOT NULL,
    updated_at  timestamptz      NOT NULL
);

GRANT SELECT, INSERT, UPDATE ON products TO orders_runtime;
GRANT SELECT, INSERT, DELETE ON products_incoming TO orders_runtime;
