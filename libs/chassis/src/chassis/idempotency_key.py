"""The Idempotency-Key of a request, and the fingerprint of what it asks.

After the IETF draft "The Idempotency-Key HTTP Header Field" (draft-ietf-httpapi-idempotency-key-header-07).
"""

import hashlib
import json
import re
from collections.abc import Sequence

from chassis.errors import BadRequest

# An RFC 8941 string, or the bare characters of one that many clients send. Of the bare ones no comma: servers
# join two headers of one name with it.
_quoted = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
_bare = re.compile(r"[!#-+\--~][ !#-+\--~]*")


class KeyMissing(BadRequest):
    code = "idempotency_key_missing"
    title = "This call needs an Idempotency-Key header"


class KeyMalformed(BadRequest):
    code = "idempotency_key_malformed"
    title = "The Idempotency-Key header is not one string of 1 to 255 printable characters"


def parse_key(headers: Sequence[str]) -> str:
    """Return the key in the values of all Idempotency-Key headers of a request: exactly one, an RFC 8941
    string or its bare characters (no comma), 1 to 255 printable ASCII characters. Raises KeyMissing,
    KeyMalformed."""
    if not headers:
        raise KeyMissing()
    if len(headers) > 1 or len(headers[0]) > 512:
        raise KeyMalformed()
    text = headers[0].strip(" \t")
    if quoted := _quoted.fullmatch(text):
        key = re.sub(r"\\(.)", r"\1", quoted[1])
    elif _bare.fullmatch(text):
        key = text
    else:
        raise KeyMalformed()
    if not 1 <= len(key) <= 255:
        raise KeyMalformed()
    return key


def fingerprint(method: str, path: str, body: object) -> bytes:
    """Return the digest (SHA-256, 32 bytes) of what a request asks; the order and spacing of a JSON body do
    not count."""
    canonical = json.dumps([method, path, body], sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(canonical.encode()).digest()
