-- What happened to a user's orders. The id is that of the event which told it.
CREATE TABLE notifications (
    id uuid,
    user_id uuid NOT NULL,
    type text NOT NULL,
    order_id uuid NOT NULL,
    title text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT notifications_pk PRIMARY KEY (id),
    CONSTRAINT notifications_user_fk FOREIGN KEY (user_id) REFERENCES users (id)
);

CREATE INDEX notifications_user_ix ON notifications (user_id, id DESC);

GRANT SELECT, INSERT, DELETE ON notifications TO users_runtime;
