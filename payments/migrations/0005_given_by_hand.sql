-- What an operator gave back another way, because the provider failed to: written once and never changed.
CREATE TABLE given_by_hand (
    refund_id   uuid                     NOT NULL,
    reference   text                     NOT NULL,
    recorded_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT given_by_hand_pk PRIMARY KEY (refund_id),
    CONSTRAINT given_by_hand_refund_fk FOREIGN KEY (refund_id) REFERENCES refunds (id)
);

GRANT SELECT, INSERT ON given_by_hand TO payments_runtime;
