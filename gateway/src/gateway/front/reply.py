"""Replies as they go on the wire: framing and the connection's fate are decided here, in one place."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Protocol

from gateway.front.request import Request

_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode()
    for status in HTTPStatus
    if status.value >= 200
}
_BODILESS = frozenset((204, 304))
_CLOSE = b"Connection: close\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class ReplyAbandoned(ConnectionError):
    """A reply cannot be ended as it was begun: only cutting the connection tells the client so."""


class Wire(Protocol):
    draining: bool

    def send(self, data: bytes) -> None: ...

    def when_client_leaves(self, call: Callable[[], None] | None) -> None: ...


class Reply:
    """The one reply to a request. `keep` says, once it has begun, whether the connection lives on after it."""

    __slots__ = ("_chunked", "_left", "_request", "_wire", "body_bytes", "keep", "status")

    def __init__(self, wire: Wire, request: Request | None) -> None:
        self._wire = wire
        self._request = request
        self._chunked = False
        self._left: int | None = None  # bytes of the body still owed
        self.keep = False
        self.status = 0  # 0: not begun
        self.body_bytes = 0

    def send(self, status: int, fields: bytes, body: bytes) -> None:
        """Send a whole reply; `fields` are header lines, each with its CRLF, without framing and Connection."""
        head = self._begin(status, fields, len(body))
        if self._has_body():
            head += body
            self.body_bytes = len(body)
        self._left = 0
        self._wire.send(head)

    def start(self, status: int, fields: bytes, length: int | None) -> None:
        """Send the head of a reply whose body follows by `write`; `length` is None when it is not known."""
        head = self._begin(status, fields, length)
        self._left = length if self._has_body() else 0
        self._wire.send(head)

    def write(self, data: bytes) -> None:
        """Send a piece of the body."""
        if not data or not self._has_body():
            return
        self.body_bytes += len(data)
        if self._left is not None:
            self._left -= len(data)
            if self._left < 0:
                raise ReplyAbandoned("The body is longer than its Content-Length.")
        self._wire.send(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)

    def finish(self) -> None:
        """End a reply that `start` began."""
        if self._left:
            raise ReplyAbandoned("The body is shorter than its Content-Length.")
        if self._chunked and self._has_body():
            self._wire.send(b"0\r\n\r\n")

    def when_client_leaves(self, call: Callable[[], None] | None) -> None:
        """Have something called, from the loop, when nobody is there to take the rest; None: no longer."""
        self._wire.when_client_leaves(call)

    def _begin(self, status: int, fields: bytes, length: int | None) -> bytes:
        request = self._request
        self.status = status
        http_10 = request is None or request.http_10
        # A body nobody has read yet would be taken for the next request.
        self.keep = (
            request is not None and request.keep_alive and request.complete and not self._wire.draining
        )
        framing = b""
        if length is not None:
            if status not in _BODILESS:
                framing = b"Content-Length: %d\r\n" % length
        elif http_10:
            self.keep = False  # the end of the connection is the end of the body
        else:
            self._chunked = True
            framing = b"Transfer-Encoding: chunked\r\n"
        line = _STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status
        return b"%b%b%b%b\r\n" % (line, fields, framing, b"" if self.keep else _CLOSE)

    def _has_body(self) -> bool:
        return self.status not in _BODILESS and (self._request is None or self._request.method != "HEAD")
