-- Whose access tokens end before their time, until the last of them would have expired: the gateway follows this.
-- The id of its transaction tells which row may still turn up among those that were read; a sequence alone cannot.
CREATE TABLE revocations (
    transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
    position bigint GENERATED ALWAYS AS IDENTITY,
    kind text NOT NULL,
    id uuid NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT revocations_pk PRIMARY KEY (transaction_id, position),
    CONSTRAINT revocations_kind_ck CHECK (kind IN ('user', 'session'))
);

CREATE INDEX revocations_expires_ix ON revocations (expires_at);

GRANT SELECT, INSERT, DELETE ON revocations TO users_runtime;
