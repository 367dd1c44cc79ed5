-- All refresh tokens of a session share a secret, of which the hash is kept: a spent token is told from a made-up one. The
-- release before this one leaves it NULL, and so do sessions of before until their token is next exchanged.
ALTER TABLE sessions ADD COLUMN family_hash bytea;
