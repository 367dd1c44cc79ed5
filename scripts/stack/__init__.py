"""The embedded stack: what `make up`, `down`, `status`, `logs` and `test` are made of."""
