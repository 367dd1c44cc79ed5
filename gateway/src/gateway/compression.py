"""Compression: whole texts as gzip, for clients who take it."""

import re
import zlib
from functools import lru_cache

import gevent

from gateway.front.request import Request
from gateway.upstream.answer import Answer

LARGEST_BYTES = 1 << 20  # held in memory until it is whole; what is larger passes as it is
_AT_ONCE_BYTES = 16384  # more would keep all others waiting: that goes to a thread
_LEVEL = 5
_WITH_GZIP_HEADER = 31
_TYPES = frozenset(("application/json", "application/javascript", "image/svg+xml"))
_STREAMS = "text/event-stream"
_WITHOUT_TEXT = frozenset((204, 205, 206))
_NOT_MODIFIED = 304
# With one of these the service speaks of exactly the bytes it sent.
_OF_THESE_BYTES = frozenset(
    (b"content-encoding", b"content-range", b"content-digest", b"repr-digest", b"digest", b"content-md5")
)
_LONGEST_ACCEPT = 256

Fields = list[tuple[bytes, bytes]]
VARY = (b"vary", b"accept-encoding")
GZIP = (b"content-encoding", b"gzip")
_weight = re.compile(r"q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")


def negotiate(request: Request, answer: Answer, least_bytes: float) -> tuple[Fields, bool]:
    """Return the fields of an answer as the client gets them, and whether its body is to be compressed."""
    fields, length = answer.fields, answer.length
    if answer.status == _NOT_MODIFIED:
        return _as_it_was_sent(request, fields), False
    if (
        length is None
        or not least_bytes <= length <= LARGEST_BYTES
        or not is_plain_text(answer.status, fields)
    ):
        return fields, False
    if not takes_gzip(request):
        return [*fields, VARY], False
    return as_gzip(fields), True


def takes_gzip(request: Request) -> bool:
    """Tell whether a client takes gzip, and likes it no less than the text as it is (RFC 9110, section 12.5.3)."""
    said = b",".join([value for name, value in request.fields if name == b"accept-encoding"])
    return len(said) <= _LONGEST_ACCEPT and _reads_gzip(said)


def as_gzip(fields: Fields) -> Fields:
    """Return the fields of a text when it is compressed."""
    return [*((name, weak(value) if name == b"etag" else value) for name, value in fields), VARY, GZIP]


def compress(body: bytes) -> bytes:
    """Return a body as gzip; a large one is compressed in a thread, and the others are served meanwhile."""
    if len(body) <= _AT_ONCE_BYTES:
        return gzip(body)
    compressed: bytes = gevent.get_hub().threadpool.apply(gzip, (body,))
    return compressed


def gzip(body: bytes) -> bytes:
    """Return a body as gzip."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WITH_GZIP_HEADER)
    return packer.compress(body) + packer.flush()


def weak(etag: bytes) -> bytes:
    """Return the tag of the same text in other bytes (RFC 9110, section 8.8.1)."""
    return etag if etag.startswith(b"W/") else b"W/" + etag


def is_plain_text(status: int, fields: Fields) -> bool:
    """Tell whether an answer holds a text that may be compressed."""
    named = dict(fields)
    return (
        status not in _WITHOUT_TEXT
        and _is_text(named.get(b"content-type", b""))
        and not named.keys() & _OF_THESE_BYTES
        and not any(b"no-transform" in value for name, value in fields if name == b"cache-control")
    )


def _as_it_was_sent(request: Request, fields: Fields) -> Fields:
    """Return the fields of an answer without a text, whose tag has to be that of what the client has."""
    known = b",".join([value for name, value in request.fields if name == b"if-none-match"])
    return [
        (name, weak(value) if name == b"etag" and weak(value) in known else value) for name, value in fields
    ]


@lru_cache(256)
def _is_text(content_type: bytes) -> bool:
    name = content_type.partition(b";")[0].strip().lower().decode("latin-1")
    return name != _STREAMS and (name.startswith("text/") or name in _TYPES or name.endswith("+json"))


@lru_cache(1024)
def _reads_gzip(said: bytes) -> bool:
    weights: dict[str, float] = {}
    for each in said.decode("latin-1").lower().split(","):
        name, *parameters = (part.strip() for part in each.split(";"))
        weights[name] = _weight_of(parameters)
    gzip_weight = weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0)))
    return gzip_weight > 0 and gzip_weight >= weights.get("identity", 0.0)


def _weight_of(parameters: list[str]) -> float:
    if not parameters:
        return 1.0
    match = _weight.fullmatch(parameters[0])
    return float(match[1]) if match is not None else 0.0
