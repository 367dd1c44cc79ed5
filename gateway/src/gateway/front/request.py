"""Requests as they come off the wire: one strict reading of the head, then the body as it arrives."""

import re
import time
from collections import deque
from typing import Protocol

import httptools

from gateway.front.limits import Limits
from gateway.front.refusals import (
    ExpectationRefused,
    HeadTooLarge,
    MalformedRequest,
    Refusal,
    TargetTooLong,
    UnknownCoding,
    UnknownMethod,
    UnknownVersion,
    UpgradeRefused,
)
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
    )
)
_BLANKS = b" \t"
_EMPTY_LINE = b"\r\n"
_FIELD_OVERHEAD_BYTES = 4  # colon, space, CR, LF
_host = re.compile(rb"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


class BodySource(Protocol):
    def fill(self, request: "Request") -> None:
        """Wait until more of this request's body has arrived."""

    def stop_waiting(self) -> None:
        """End the wait of `fill` with Cancelled."""


class Request:
    """One request. `target` is raw, the names in `fields` are in lower case, `single` has those that come once;
    `length` is None for a chunked body; `body_seconds`, where set, is the time for each 64 KiB of it to arrive."""

    method = ""
    target = b""
    length: int | None = 0
    complete = http_10 = keep_alive = expects_continue = False
    started_at = 0.0
    body_seconds: float | None = None

    def __init__(self, source: BodySource, peer: str) -> None:
        self._source = source
        self.peer = peer
        self.fields: list[tuple[bytes, bytes]] = []
        self.single: dict[bytes, bytes] = {}
        self.chunks: list[bytes] = []

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
        self._ended = False  # tells whether a request ends in it

    def feed(self, data: memoryview) -> None:
        """Parse what has arrived; nothing is parsed after a refusal."""
        began_in_head = self.in_head
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
        self._remember()

    def on_message_begin(self) -> None:
        if self._ended:
            self._place = self._place_behind(self._request)
        self._request = Request(self._source, self._peer)
        self._head_bytes = 0
        self.in_head = True

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
        _check_host(request)
        _read_framing(request)
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
        """Keep of what has been parsed what the check of a request line needs when more comes."""
        if self.in_head:
            self._begun, self._place = bytes(self._raw[self._place :]), 0
        elif not self._request.complete:
            self._begun, self._place = b"", None
        else:
            self._begun, self._place = b"" if self._ended else bytes(self._raw), 0
            if len(self._begun) > len(_EMPTY_LINE) and self.refusal is None:
                self.refusal = MalformedRequest("Empty lines are no request.")


def _check_host(request: Request) -> None:
    host = request.single.get(b"host")
    if host is None:
        if not request.http_10:
            raise MalformedRequest("Host is missing.")
    elif _host.fullmatch(host) is None:
        raise MalformedRequest("Host is not the name of a host.")


def _read_framing(request: Request) -> None:
    single = request.single
    if b"content-length" in single:
        request.length = int(single[b"content-length"])
    elif b"transfer-encoding" in single:
        if request.http_10:
            raise MalformedRequest("HTTP/1.0 has no Transfer-Encoding.")
        if single[b"transfer-encoding"].lower() != b"chunked":
            raise UnknownCoding()
        request.length = None
    if b"expect" in single:
        if single[b"expect"].lower() != b"100-continue":
            raise ExpectationRefused()
        request.expects_continue = not request.http_10 and request.length != 0
