-- What the chassis keeps in every service's database: events going out, events that came in, idempotency keys.
-- Runs as <service>_owner; the runtime role <service>_runtime gets what the chassis needs and no more.

CREATE TABLE outbox (
    position     bigint      GENERATED ALWAYS AS IDENTITY,
    id           uuid        NOT NULL,
    type         text        NOT NULL,
    aggregate_id uuid        NOT NULL,
    version      integer     NOT NULL,
    data         jsonb       NOT NULL,
    request_id   text        NOT NULL,
    traceparent  text        NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    tries        integer     NOT NULL DEFAULT 0,
    retry_at     timestamptz,
    parked_at    timestamptz,
    published_at timestamptz,
    CONSTRAINT outbox_pk PRIMARY KEY (position),
    CONSTRAINT outbox_id_uq UNIQUE (id)
);
CREATE INDEX outbox_waiting_ix ON outbox (position) WHERE published_at IS NULL;
CREATE INDEX outbox_refused_ix ON outbox (aggregate_id)
    WHERE published_at IS NULL AND parked_at IS NULL AND retry_at IS NOT NULL;
CREATE INDEX outbox_published_at_ix ON outbox (published_at) WHERE published_at IS NOT NULL;

CREATE TABLE inbox (
    event_id    uuid        NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT inbox_pk PRIMARY KEY (event_id)
);
CREATE INDEX inbox_received_at_ix ON inbox (received_at);

CREATE TABLE idempotency_keys (
    caller      text        NOT NULL,
    route       text        NOT NULL,
    key         text        NOT NULL,
    id          uuid        NOT NULL,
    fingerprint bytea       NOT NULL,
    holder      integer     NOT NULL,
    held_until  timestamptz NOT NULL,
    status      smallint,
    body        bytea,
    created_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT idempotency_keys_pk PRIMARY KEY (caller, route, key),
    CONSTRAINT idempotency_keys_answer_ck CHECK ((status IS NULL) = (body IS NULL))
);
CREATE INDEX idempotency_keys_created_at_ix ON idempotency_keys (created_at);

DO $$
DECLARE
    runtime text := regexp_replace(current_user, '_owner$', '_runtime');
BEGIN
    EXECUTE format('GRANT SELECT, INSERT, DELETE, UPDATE (tries, retry_at, parked_at, published_at) ON outbox TO %I', runtime);
    EXECUTE format('GRANT SELECT, INSERT, DELETE ON inbox TO %I', runtime);
    EXECUTE format('GRANT SELECT, INSERT, DELETE, UPDATE (holder, held_until, status, body) ON idempotency_keys TO %I', runtime);
    EXECUTE format('GRANT SELECT ON schema_migrations TO %I', runtime);
END
$$;
