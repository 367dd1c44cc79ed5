"""Hostile access tokens: each is what a good one is not, in one place; none may be taken for it."""

from hostile.headers import (
    crossed,
    instructions,
    key_ids,
    other_algorithms,
    signed_with_what_is_public,
    types,
    unsigned,
)
from hostile.payloads import claims, doubled, not_objects
from hostile.source import Source
from hostile.spellings import bent, other_signatures, respelt

__all__ = ["KINDS", "Source", "crossed"]

KINDS = (
    unsigned,
    signed_with_what_is_public,
    other_algorithms,
    key_ids,
    instructions,
    types,
    claims,
    doubled,
)
KINDS += (not_objects, respelt, other_signatures, bent)
