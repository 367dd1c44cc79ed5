"""Between WSGI (PEP 3333) and the wire: the body that an app reads, and the answer that it gives."""

import io
import socket
import time
from collections.abc import Callable, Iterable
from email.utils import formatdate
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from chassis.http1 import Incoming

if TYPE_CHECKING:
    from chassis.tls_socket import TlsSocket

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Answer:
    """What the app answers, written with its framing (RFC 9112, section 6)."""

    __slots__ = ("_chunked", "_environ", "_head", "_may_go_on", "_sock", "_write_seconds", "keep_alive")

    def __init__(
        self,
        sock: "socket.socket | TlsSocket",
        environ: dict[str, Any],
        may_go_on: Callable[[], bool],
        write_seconds: float,
    ) -> None:
        self.keep_alive = False
        self._sock = sock
        self._environ = environ
        self._may_go_on = may_go_on
        self._write_seconds = write_seconds
        self._head = b""
        self._chunked = False

    def start(
        self, status: str, headers: list[tuple[str, str]], exc_info: object = None
    ) -> Callable[[bytes], None]:
        """WSGI's start_response."""
        lines = [f"HTTP/1.1 {status}\r\nDate: {http_date(int(time.time()))}\r\n"]
        framed = status.startswith(("204", "304"))
        self.keep_alive = self._may_go_on()
        for name, value in headers:
            if name == "Connection":
                self.keep_alive = self.keep_alive and value.lower() != "close"
                continue
            framed = framed or name == "Content-Length"
            line = f"{name}: {value}\r\n"
            if line.count("\n") > 1 or line.count("\r") > 1:
                raise ValueError(f"the header {name!r} holds a line break")
            lines.append(line)
        if not framed:
            self._chunked = self._environ["SERVER_PROTOCOL"] == "HTTP/1.1"
            self.keep_alive = self.keep_alive and self._chunked
            lines.append("Transfer-Encoding: chunked\r\n" if self._chunked else "")
        lines.append("\r\n" if self.keep_alive else "Connection: close\r\n\r\n")
        self._head = "".join(lines).encode("latin-1")
        self._sock.settimeout(self._write_seconds)
        return self._write

    def send(self, pieces: Iterable[bytes]) -> None:
        """Write head and body: in one go where the body is one piece."""
        bodiless = self._environ["REQUEST_METHOD"] == "HEAD"
        for piece in pieces:
            if piece and not bodiless:
                self._write(piece)
        if self._chunked and not bodiless:
            self._sock.sendall(self._head + b"0\r\n\r\n")
        elif self._head:
            self._sock.sendall(self._head)

    def _write(self, piece: bytes) -> None:
        if self._chunked:
            piece = b"%x\r\n%b\r\n" % (len(piece), piece)
        self._sock.sendall(self._head + piece)
        self._head = b""


class Body(io.RawIOBase):
    """A body that is still coming: reads wait for the client."""

    def __init__(self, request: Incoming, more: Callable[[], bool], go_on: Callable[[], None] | None) -> None:
        self._request = request
        self._more = more
        self._go_on = go_on

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        pieces = self._request.body
        while not pieces:
            if self._request.complete:
                return 0
            if self._go_on is not None:
                self._go_on()
                self._go_on = None
            if not self._more():
                raise ConnectionError("The body ended too soon, or took too long.")
        piece = pieces.popleft()
        size = min(len(piece), len(buffer))
        buffer[:size] = piece[:size]
        if size < len(piece):
            pieces.appendleft(piece[size:])
        return size


@lru_cache(maxsize=2)
def http_date(second: int) -> str:
    """Return a moment in whole Unix seconds as HTTP writes it (RFC 9110, section 5.6.7)."""
    return formatdate(second, usegmt=True)
