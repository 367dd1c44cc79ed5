-- Payments, refunds and what moved: nothing is ever deleted here.
CREATE TABLE payments (
    id              uuid                     NOT NULL,
    order_id        uuid                     NOT NULL,
    user_id         uuid                     NOT NULL,
    amount          bigint                   NOT NULL,
    currency        text                     NOT NULL,
    payment_method  text                     NOT NULL,
    status          text                     NOT NULL,
    failure_code    text,
    reference       text,
    version         integer                  NOT NULL,
    request_id      text                     NOT NULL,
    traceparent     text                     NOT NULL,
    created_at      timestamp with time zone NOT NULL,
    updated_at      timestamp with time zone NOT NULL,
    attempts        integer                  NOT NULL DEFAULT 0,
    -- When a worker may next ask the provider; while one does, the end of its lease. Empty once nothing is open.
    next_attempt_at timestamp with time zone,
    CONSTRAINT payments_pk PRIMARY KEY (id),
    CONSTRAINT payments_order_fk FOREIGN KEY (order_id) REFERENCES orders (id),
    CONSTRAINT payments_reference_uq UNIQUE (reference),
    CONSTRAINT payments_status_known CHECK (status IN ('processing', 'succeeded', 'failed', 'refunded')),
    CONSTRAINT payments_amount_positive CHECK (amount > 0),
    CONSTRAINT payments_failure_told CHECK ((status = 'failed') = (failure_code IS NOT NULL)),
    CONSTRAINT payments_open_is_due CHECK ((status = 'processing') = (next_attempt_at IS NOT NULL))
);

CREATE UNIQUE INDEX payments_live_order_uq ON payments (order_id) WHERE status IN ('processing', 'succeeded');

CREATE INDEX payments_user_id_id_ix ON payments (user_id, id);

CREATE INDEX payments_due_ix ON payments (next_attempt_at) WHERE status = 'processing';

CREATE TABLE refunds (
    id              uuid                     NOT NULL,
    payment_id      uuid                     NOT NULL,
    amount          bigint                   NOT NULL,
    currency        text                     NOT NULL,
    reason          text                     NOT NULL,
    status          text                     NOT NULL,
    reference       text,
    created_at      timestamp with time zone NOT NULL,
    updated_at      timestamp with time zone NOT NULL,
    attempts        integer                  NOT NULL DEFAULT 0,
    next_attempt_at timestamp with time zone,
    CONSTRAINT refunds_pk PRIMARY KEY (id),
    CONSTRAINT refunds_payment_fk FOREIGN KEY (payment_id) REFERENCES payments (id),
    CONSTRAINT refunds_payment_uq UNIQUE (payment_id),
    CONSTRAINT refunds_reference_uq UNIQUE (reference),
    CONSTRAINT refunds_status_known CHECK (status IN ('pending', 'succeeded')),
    CONSTRAINT refunds_reason_known CHECK (reason IN ('requested', 'order_closed', 'late_success')),
    CONSTRAINT refunds_amount_positive CHECK (amount > 0),
    CONSTRAINT refunds_open_is_due CHECK ((status = 'pending') = (next_attempt_at IS NOT NULL))
);

CREATE INDEX refunds_due_ix ON refunds (next_attempt_at) WHERE status = 'pending';

CREATE TABLE ledger_entries (
    position    bigint                   NOT NULL GENERATED ALWAYS AS IDENTITY,
    payment_id  uuid                     NOT NULL,
    refund_id   uuid,
    amount      bigint                   NOT NULL,
    currency    text                     NOT NULL,
    reference   text                     NOT NULL,
    recorded_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT ledger_entries_pk PRIMARY KEY (position),
    CONSTRAINT ledger_entries_payment_fk FOREIGN KEY (payment_id) REFERENCES payments (id),
    CONSTRAINT ledger_entries_refund_fk FOREIGN KEY (refund_id) REFERENCES refunds (id),
    CONSTRAINT ledger_entries_effect_uq UNIQUE NULLS NOT DISTINCT (payment_id, refund_id),
    CONSTRAINT ledger_entries_direction CHECK ((refund_id IS NULL AND amount > 0) OR (refund_id IS NOT NULL AND amount < 0))
);

CREATE TABLE notices (
    id          text                     NOT NULL,
    type        text                     NOT NULL,
    payment_id  uuid,
    received_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT notices_pk PRIMARY KEY (id)
);

CREATE INDEX notices_received_at_ix ON notices (received_at);

GRANT
    SELECT,
    INSERT,
    UPDATE (status, failure_code, reference, version, updated_at, attempts, next_attempt_at)
    ON payments TO payments_runtime;

GRANT
    SELECT,
    INSERT,
    UPDATE (status, reference, updated_at, attempts, next_attempt_at)
    ON refunds TO payments_runtime;

GRANT SELECT, INSERT ON ledger_entries TO payments_runtime;

GRANT SELECT, INSERT, DELETE ON notices TO payments_runtime;
