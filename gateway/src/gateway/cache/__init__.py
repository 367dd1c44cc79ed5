"""A small shared HTTP cache (RFC 9111) for public answers: what may be kept, for how long, and who gets it."""
