"""Identifiers: UUIDs of version 7 (RFC 9562), which sort by the time they were made."""

import os
import uuid

import uuid_utils
from uuid_utils.compat import uuid7

# The generator's random state is a process's own: after a fork two workers would otherwise make the same ids.
os.register_at_fork(after_in_child=uuid_utils.reseed_rng)


def new_id() -> uuid.UUID:
    """Return a new UUIDv7."""
    return uuid7()
