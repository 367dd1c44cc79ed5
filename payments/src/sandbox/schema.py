"""The ledger's tables: what was asked, what was charged and given back, what was told and answered.

Charges and refunds are written once and never changed; triggers hold whoever opens the file to that. That a refund
failed is a row of its own.
"""

SCHEMA = """
CREATE TABLE IF NOT EXISTS payment_intents (
    position            INTEGER PRIMARY KEY AUTOINCREMENT,
    id                  TEXT    NOT NULL UNIQUE,
    created             INTEGER NOT NULL,
    amount              INTEGER NOT NULL CHECK (amount > 0),
    currency            TEXT    NOT NULL,
    status              TEXT    NOT NULL CHECK (status IN (
                            'requires_payment_method', 'requires_confirmation',
                            'processing', 'succeeded', 'canceled')),
    payment_method      TEXT,
    description         TEXT,
    metadata            TEXT    NOT NULL,
    idempotency_key     TEXT,
    latest_charge       TEXT,
    settle_at           REAL,
    canceled_at         INTEGER,
    cancellation_reason TEXT,
    CHECK ((status = 'processing') = (settle_at IS NOT NULL))
);
CREATE INDEX IF NOT EXISTS payment_intents_settle_at_ix
    ON payment_intents (settle_at) WHERE settle_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS charges (
    position       INTEGER PRIMARY KEY AUTOINCREMENT,
    id             TEXT    NOT NULL UNIQUE,
    created        INTEGER NOT NULL,
    payment_intent TEXT    NOT NULL REFERENCES payment_intents (id),
    amount         INTEGER NOT NULL CHECK (amount > 0),
    currency       TEXT    NOT NULL,
    status         TEXT    NOT NULL CHECK (status IN ('succeeded', 'failed')),
    payment_method TEXT    NOT NULL
);
CREATE INDEX IF NOT EXISTS charges_payment_intent_ix
    ON charges (payment_intent);
CREATE UNIQUE INDEX IF NOT EXISTS charges_one_success_uq
    ON charges (payment_intent) WHERE status = 'succeeded';
CREATE TRIGGER IF NOT EXISTS charges_stay BEFORE UPDATE ON charges
    BEGIN SELECT RAISE(ABORT, 'a charge is never changed'); END;
CREATE TRIGGER IF NOT EXISTS charges_are_kept BEFORE DELETE ON charges
    BEGIN SELECT RAISE(ABORT, 'a charge is never deleted'); END;

CREATE TABLE IF NOT EXISTS refunds (
    position        INTEGER PRIMARY KEY AUTOINCREMENT,
    id              TEXT    NOT NULL UNIQUE,
    created         INTEGER NOT NULL,
    charge          TEXT    NOT NULL REFERENCES charges (id),
    payment_intent  TEXT    NOT NULL REFERENCES payment_intents (id),
    amount          INTEGER NOT NULL CHECK (amount > 0),
    currency        TEXT    NOT NULL,
    reason          TEXT,
    metadata        TEXT    NOT NULL,
    idempotency_key TEXT
);
CREATE INDEX IF NOT EXISTS refunds_charge_ix
    ON refunds (charge);
CREATE INDEX IF NOT EXISTS refunds_payment_intent_ix
    ON refunds (payment_intent);
CREATE TRIGGER IF NOT EXISTS refunds_stay BEFORE UPDATE ON refunds
    BEGIN SELECT RAISE(ABORT, 'a refund is never changed'); END;
CREATE TRIGGER IF NOT EXISTS refunds_are_kept BEFORE DELETE ON refunds
    BEGIN SELECT RAISE(ABORT, 'a refund is never deleted'); END;

CREATE TABLE IF NOT EXISTS refund_failures (
    refund    TEXT PRIMARY KEY REFERENCES refunds (id),
    due_at    REAL NOT NULL,
    failed_at REAL
);
CREATE VIEW IF NOT EXISTS money_given_back AS
    SELECT refunds.charge, refunds.payment_intent, refunds.amount
    FROM refunds
    LEFT JOIN refund_failures AS failures ON failures.refund = refunds.id
    WHERE failures.failed_at IS NULL;
DROP TRIGGER IF EXISTS refunds_within_charge;
CREATE TRIGGER refunds_within_charge BEFORE INSERT ON refunds
    WHEN NEW.amount + (SELECT COALESCE(SUM(amount), 0) FROM money_given_back WHERE charge = NEW.charge)
         > (SELECT amount FROM charges WHERE id = NEW.charge AND status = 'succeeded')
    BEGIN SELECT RAISE(ABORT, 'refunds exceed their charge'); END;

CREATE TABLE IF NOT EXISTS events (
    position        INTEGER PRIMARY KEY AUTOINCREMENT,
    id              TEXT    NOT NULL UNIQUE,
    created         INTEGER NOT NULL,
    type            TEXT    NOT NULL,
    payload         TEXT    NOT NULL,
    attempts        INTEGER NOT NULL DEFAULT 0,
    next_attempt_at REAL,
    delivered_at    REAL
);
CREATE INDEX IF NOT EXISTS events_next_attempt_at_ix
    ON events (next_attempt_at) WHERE next_attempt_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS idempotency_keys (
    key         TEXT    PRIMARY KEY,
    created     INTEGER NOT NULL,
    fingerprint TEXT    NOT NULL,
    status      INTEGER,
    body        TEXT,
    follows     TEXT REFERENCES payment_intents (id),
    CHECK ((follows IS NULL) = (body IS NOT NULL AND status IS NOT NULL))
);

DROP VIEW IF EXISTS balances;
CREATE VIEW balances AS
    SELECT
        intents.id AS payment_intent,
        intents.status,
        intents.metadata,
        intents.idempotency_key,
        intents.currency,
        COALESCE((SELECT SUM(amount) FROM charges
                  WHERE payment_intent = intents.id AND status = 'succeeded'), 0) AS charged,
        COALESCE((SELECT SUM(amount) FROM money_given_back
                  WHERE payment_intent = intents.id), 0) AS refunded
    FROM payment_intents AS intents;
"""
