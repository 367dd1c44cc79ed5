"""Requests as they come off the wire: one strict reading of the head, then the body as it arrives."""

import time
from collections import deque
from typing import Any, Protocol

import httptools

from gateway.front.framing import check_host, read_framing
from gateway.front.limits import Limits
from gateway.front.refusals import (
    HeadTooLarge,
    MalformedRequest,
    Refusal,
    TargetTooLong,
    UnknownMethod,
    UnknownVersion,
    UpgradeRefused,
)
from gateway.front.repeat import Lines, lines_of
from gateway.front.request_line import end_of, is_plain

METHODS = {name.encode(): name for name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")}
# Two lines of one of these could be read one way here and another way behind us.
_SINGLE = frozenset(
    (
        b"host",
        b"content-length",
        b"transfer-encoding",
        b"expect",
        b"authorization",
        b"content-type",
        b"origin",
        b"idempotency-key",
    )
)
_BLANKS = b" \t"
_EMPTY_LINE = b"\r\n"
_FIELD_OVERHEAD_BYTES = 4  # colon, space, CR, LF
# What the framing of a chunked body may take: chunks of one byte have five more, extensions and zeros have no end.
_FRAMING_BYTES, _FRAMING_TIMES = 16384, 8


class BodySource(Protocol):
    def fill(self, request: "Request") -> None:
        """Wait until more of this request's body has arrived."""

    def stop_waiting(self) -> None:
        """End the wait of `fill` with Cancelled."""


class Request:
    """One request. `target` is raw, the names in `fields` are in lower case, `named` has the last line of each,
    `single` those that come once; `length` is None for a chunked body; `body_seconds`, where set, is the time for each
    64 KiB of it to arrive. `notes` are what others made of the fields, shared by requests that have the same ones."""

    method = ""
    target = b""
    length: int | None = 0
    complete = http_10 = keep_alive = expects_continue = False
    started_at = 0.0
    body_seconds: float | None = None
    fields: list[tuple[bytes, bytes]]
    single: dict[bytes, bytes]
    named: dict[bytes, bytes]
    notes: dict[str, Any]

    def __init__(self, source: BodySource, peer: str, like: "Request | None" = None) -> None:
        self._source = source
        self.peer = peer
        self.chunks: list[bytes] = []
        if like is None:
            self.fields, self.single, self.named, self.notes = [], {}, {}, {}
        else:
            self.fields, self.single, self.named, self.notes = (
                like.fields,
                like.single,
                like.named,
                like.notes,
            )

    def take(self) -> bytes:
        """Return what has arrived of the body since the last call."""
        chunks = self.chunks
        if not chunks:
            return b""
        self.chunks = []
        return b"".join(chunks)

    def wait(self) -> None:
        """Wait until more of the body has arrived. Raises Refusal for a bad or slow one, OSError when it never ends."""
        self._source.fill(self)

    def stop_waiting(self) -> None:
        """End the wait with Cancelled: nobody wants the rest of the body any more."""
        self._source.stop_waiting()


class RequestReader:
    """Reads the requests of one connection: whole heads queue in `heads`, what cannot be read is in `refusal`."""

    def __init__(self, source: BodySource, peer: str, limits: Limits) -> None:
        self.heads: deque[Request] = deque()
        self.refusal: Refusal | None = None
        self.in_head = False
        self._source = source
        self._peer = peer
        self._limits = limits
        self._head_bytes = 0
        self._unread_bytes = 0
        self._parser = httptools.HttpRequestParser(self)
        self._request = Request(source, peer)
        self._request.complete = True
        self._begun: bytes = b""  # of a head whose end has not come
        self._raw: bytes | memoryview = b""  # what is being parsed, and what had begun before it
        self._place: int | None = 0  # where in it the request begins that is being read; None: earlier
        self._body_bytes = 0  # of the bodies in it
        self._framing_bytes = 0  # of the body that is arriving, beyond what it may have for each byte
        self._ended = False  # tells whether a request ends in it
        self._lines: Lines | None = None  # of `_request`, where one that follows may have the same

    def feed(self, data: memoryview) -> None:
        """Parse what has arrived; nothing is parsed after a refusal."""
        if self._lines is not None and self._repeats(self._lines, data):
            return
        began_in_head, request = self.in_head, self._request
        self._raw = self._begun + data if self._begun else data
        self._body_bytes = 0
        self._ended = False
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.refusal = UpgradeRefused()
        except httptools.HttpParserError as wrong:
            cause = wrong.__context__
            self.refusal = cause if isinstance(cause, Refusal) else MalformedRequest(f"{wrong}.")
        if self.in_head and self.refusal is None:
            # The parser reports whole lines only: a line without an end is counted as it comes.
            self._unread_bytes = self._unread_bytes + len(data) if began_in_head else 0
            if self._unread_bytes > self._limits.head_bytes:
                self.refusal = HeadTooLarge()
        if request is self._request and not request.complete and request.length is None:
            self._count_framing(len(data))
        self._remember()

    def _repeats(self, lines: Lines, data: memoryview) -> bool:
        """Take a request whose header is that of the one before; tell whether this is one."""
        method, target = lines.first_line_before(data)
        if not target or len(target) > self._limits.target_bytes:
            return False
        request = self._request = Request(self._source, self._peer, self._request)
        request.method, request.target = METHODS[method], target
        request.keep_alive = request.complete = True
        request.started_at = time.monotonic()
        self.heads.append(request)
        return True

    def on_message_begin(self) -> None:
        if self._ended:
            self._place = self._place_behind(self._request)
        self._request = Request(self._source, self._peer)
        self._head_bytes = self._framing_bytes = 0
        self.in_head = True

    def _count_framing(self, size: int) -> None:
        self._framing_bytes += max(0, size - (1 + _FRAMING_TIMES) * self._body_bytes)
        if self._framing_bytes > _FRAMING_BYTES and self.refusal is None:
            self.refusal = MalformedRequest("The chunks are little but framing.")

    def on_url(self, part: bytes) -> None:
        self._request.target += part
        if len(self._request.target) > self._limits.target_bytes:
            raise TargetTooLong()

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.in_head:
            raise MalformedRequest("Trailer fields are not read here.")
        request, name = self._request, name.lower()
        if name in _SINGLE:
            if name in request.single:
                raise MalformedRequest(f"{name.decode()} is there more than once.")
            request.single[name] = value.strip(_BLANKS)
        request.fields.append((name, value))
        self._head_bytes += len(name) + len(value) + _FIELD_OVERHEAD_BYTES
        if self._head_bytes > self._limits.head_bytes:
            raise HeadTooLarge()

    def on_headers_complete(self) -> None:
        request, parser = self._request, self._parser
        self.in_head = False
        method, version = METHODS.get(parser.get_method()), parser.get_http_version()
        if method is None:
            raise UnknownMethod()
        if version not in ("1.1", "1.0"):
            raise UnknownVersion()
        if parser.should_upgrade():
            raise UpgradeRefused()
        request.method = method
        request.http_10 = version == "1.0"
        request.keep_alive = not request.http_10 and parser.should_keep_alive()
        if len(request.fields) > self._limits.fields:
            raise HeadTooLarge("There are too many header fields.")
        request.named = dict(request.fields)
        check_host(request)
        read_framing(request)
        if not is_plain(self._raw, self._place or 0):
            raise MalformedRequest("The request line is not of three words with a space between them.")
        request.started_at = time.monotonic()
        self.heads.append(request)

    def on_body(self, data: bytes) -> None:
        self._request.chunks.append(data)
        self._body_bytes += len(data)

    def on_message_complete(self) -> None:
        self._request.complete = True
        self._ended = True

    def _place_behind(self, request: Request) -> int:
        """Return where the request behind this one begins in what is being parsed."""
        if self._place is not None:
            if not isinstance(self._raw, bytes):
                self._raw = bytes(self._raw)
            return end_of(self._raw, self._place, request.length)
        if request.length is None:
            # How many bytes its chunks took nobody knows: it is answered, and the connection ends.
            request.keep_alive = False
            raise MalformedRequest("A request follows a chunked one too closely.")
        return self._body_bytes

    def _remember(self) -> None:
        """Keep of what has been parsed what the check of a request line, and one like this, need when more comes."""
        self._lines = None
        if self.in_head:
            self._begun, self._place = bytes(self._raw[self._place :]), 0
        elif not self._request.complete:
            self._begun, self._place = b"", None
        else:
            if self._ended and self._place == 0 and self._request.keep_alive and self.refusal is None:
                self._lines = lines_of(bytes(self._raw), self._request.target, self._request.named.keys())
            self._begun, self._place = b"" if self._ended else bytes(self._raw), 0
            if len(self._begun) > len(_EMPTY_LINE) and self.refusal is None:
                self.refusal = MalformedRequest("Empty lines are no request.")
