-- Accounts. An erased account keeps its id and nothing that tells whose it was.
CREATE TABLE users (
    id uuid,
    email text,
    name text,
    role text NOT NULL,
    password_hash text,
    version integer NOT NULL,
    created_at timestamptz NOT NULL,
    erased_at timestamptz,
    CONSTRAINT users_pk PRIMARY KEY (id),
    CONSTRAINT users_email_uq UNIQUE (email),
    CONSTRAINT users_email_normalised_ck CHECK (email = lower(email)),
    CONSTRAINT users_role_ck CHECK (role IN ('customer', 'admin')),
    CONSTRAINT users_erased_ck CHECK (
        CASE
            WHEN erased_at IS NULL THEN num_nulls(email, name, password_hash) = 0
            ELSE num_nonnulls(email, name, password_hash) = 0
        END
    )
);

GRANT SELECT, INSERT, UPDATE ON users TO users_runtime;
