-- One row for each sign-in: a family of refresh tokens, of which the hash of the usable one is kept.
CREATE TABLE sessions (
    id uuid,
    user_id uuid NOT NULL,
    client_id text NOT NULL,
    token_hash bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT sessions_pk PRIMARY KEY (id),
    CONSTRAINT sessions_user_fk FOREIGN KEY (user_id) REFERENCES users (id)
);

CREATE INDEX sessions_user_ix ON sessions (user_id);
CREATE INDEX sessions_expires_ix ON sessions (expires_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON sessions TO users_runtime;
