"""One kept answer, laid out so that giving it out again is one join and one send."""

import math
import re
import time
from collections.abc import Iterable
from email.utils import formatdate
from typing import NamedTuple

from gateway.cache.freshness import Fields, Terms, age, values
from gateway.compression import LARGEST_BYTES, VARY, as_gzip, compress, is_plain_text, takes_gzip
from gateway.front.request import Request
from gateway.headers import client_lines

_OWN = frozenset((b"age",))  # counted anew each time it is given out
# A 304 tells nothing of the content (RFC 9110, section 15.4.5), and changes nothing of it (RFC 9111, section 3.2).
_OF_CONTENT = frozenset(
    b"content-type content-length content-encoding content-language content-range transfer-encoding".split()
)
_OVERHEAD_BYTES = 1024  # of the objects around the bytes
_entity_tag = re.compile(rb'(?:W/)?("[^"]*")')


class Form(NamedTuple):
    """A kept answer as it goes out: the header lines of a whole one and of a 304, and the body."""

    lines: bytes
    lines_304: bytes
    body: bytes


class Entry:
    """A kept answer. Times are monotonic seconds; `used` tells the store that someone asked for it. `packs`: it is a
    text of at least `pack_bytes`, compressed for those who take that; `plain` is its form for all others."""

    __slots__ = (
        "_kept",
        "_packed",
        "_younger_by",
        "asked_at",
        "body",
        "etag",
        "fields",
        "fresh_until",
        "packs",
        "plain",
        "retry_at",
        "serves_errors_until",
        "serves_stale_until",
        "size",
        "status",
        "used",
        "varies_by",
        "vary_values",
    )

    def __init__(
        self,
        status: int,
        fields: Fields,
        body: bytes,
        terms: Terms,
        asked_at: float,
        vary_values: bytes,
        *,
        pack_bytes: float = math.inf,
    ) -> None:
        now, clock = time.monotonic(), time.time()
        self.status = status
        self.fields = fields
        self.body = body
        self.asked_at = asked_at
        self.varies_by = terms.varies_by
        self.vary_values = vary_values
        first_age = age(fields, now - asked_at, clock)
        self._younger_by = now - first_age
        self.fresh_until = now - first_age + terms.lifetime
        self.serves_stale_until = self.fresh_until + terms.while_revalidate
        self.serves_errors_until = self.fresh_until + terms.if_error
        self.retry_at = 0.0
        self.used = False
        kept = [field for field in fields if field[0] not in _OWN]
        if not values(kept, b"date"):
            kept.append((b"date", formatdate(clock, usegmt=True).encode()))
        self.packs = pack_bytes <= len(body) <= LARGEST_BYTES and is_plain_text(status, fields)
        self.plain = _form([*kept, VARY] if self.packs else kept, body)
        self._kept = kept
        self._packed: Form | None = None
        tags = values(fields, b"etag")
        self.etag = tags[0].strip(b" \t") if len(tags) == 1 else b""
        if _entity_tag.fullmatch(self.etag) is None:
            self.etag = b""  # nothing to compare, and nothing to send on
        bodies = 2 if self.packs else 1
        self.size = _OVERHEAD_BYTES + bodies * (len(body) + 3 * len(self.plain.lines)) + len(vary_values)

    def as_taken_by(self, request: Request) -> Form:
        """Return the form in which a client takes an answer that packs: it is compressed when the first one asks."""
        if not takes_gzip(request):
            return self.plain
        if self._packed is None:
            self._packed = _form(as_gzip(self._kept), compress(self.body))
        return self._packed

    def age(self, now: float) -> int:
        """Return its age in whole seconds."""
        return max(0, int(now - self._younger_by))

    def is_known_by(self, if_none_match: Iterable[bytes]) -> bool:
        """Tell whether a client that sent these If-None-Match lines has it (weak comparison, RFC 9110, 13.1.2)."""
        if self.status != 200:
            return False
        lines = list(if_none_match)
        if [line.strip(b" \t") for line in lines] == [b"*"]:
            return True
        return self.etag != b"" and _opaque(self.etag) in _entity_tag.findall(b", ".join(lines))

    def renewed_by(self, fields: Fields) -> Fields | None:
        """Return its fields as a 304 changes them (RFC 9111, section 3.2); None: the 304 is of another answer."""
        tags = values(fields, b"etag")
        if tags and _opaque(tags[0].strip(b" \t")) != _opaque(self.etag):
            return None
        changed = [field for field in fields if field[0] not in _OF_CONTENT and field[0] != b"connection"]
        names = {name for name, _ in changed} | _OWN
        return [field for field in self.fields if field[0] not in names] + changed


def _form(fields: Fields, body: bytes) -> Form:
    return Form(
        client_lines(fields), client_lines([each for each in fields if each[0] not in _OF_CONTENT]), body
    )


def _opaque(etag: bytes) -> bytes:
    return etag.removeprefix(b"W/")
