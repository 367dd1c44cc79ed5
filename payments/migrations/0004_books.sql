-- What the comparison with the provider's books looks for.
CREATE INDEX ledger_entries_recorded_at_ix ON ledger_entries (recorded_at);

CREATE INDEX ledger_entries_reference_ix ON ledger_entries (reference);
