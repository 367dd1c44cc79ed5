"""The server's end of a TLS connection, read and written like a socket; every wait is bounded, also within a record."""

import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from chassis.tls import Credentials, names_in

_HANDSHAKE_SECONDS = 10.0
_READ_BYTES = 64 * 1024
V = TypeVar("V")


class NotAdmitted(OSError):
    """Who connects may not."""


class TlsSocket:
    """The handshake is made by the first read. That of who is refused raises OSError, after a line in the log."""

    def __init__(self, sock: socket.socket, credentials: Credentials, client: str) -> None:
        self._sock = sock
        self._credentials = credentials
        self._client = client
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = credentials.server.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._seconds = _HANDSHAKE_SECONDS
        self._greeted = False

    def settimeout(self, seconds: float) -> None:
        """Bound each further call, in seconds."""
        self._seconds = seconds

    def recv(self, size: int) -> bytes:
        """Return what the client sent; empty at its end."""
        until = time.monotonic() + self._seconds
        if not self._greeted:
            self._greet(min(until, time.monotonic() + _HANDSHAKE_SECONDS))
        try:
            return self._complete(lambda: self._tls.read(size), until)
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    def sendall(self, data: bytes) -> None:
        """Send all of it."""
        rest = memoryview(data)
        while rest:
            rest = rest[self._tls.write(rest) :]
        self._flush(time.monotonic() + self._seconds)

    def shutdown(self, how: int) -> None:
        """End one direction, or both."""
        if how != socket.SHUT_RD:
            self._farewell()
        self._sock.shutdown(how)

    def close(self) -> None:
        """Close the connection, without waiting for anybody."""
        self._farewell()
        self._sock.close()

    def _greet(self, until: float) -> None:
        try:
            self._complete(self._tls.do_handshake, until)
        except ssl.SSLEOFError:
            raise  # it looked whether anybody listens
        except ssl.SSLError as failure:
            self._credentials.tell("connection refused", failure, client=self._client)
            raise
        shown = self._tls.getpeercert() or {}
        if not self._credentials.admits(shown):
            names = ", ".join(sorted(names_in(shown))) or "nobody"
            variable = f"{self._credentials.files.prefix}TLS_PEERS"
            self._credentials.tell(
                "connection refused", f"{variable} does not name {names}", client=self._client
            )
            raise NotAdmitted(names)
        self._greeted = True

    def _complete(self, step: Callable[[], V], until: float) -> V:
        """Make one step, with as much of what the client sends as it takes; send what that has to be answered."""
        while True:
            try:
                outcome = step()
            except ssl.SSLWantReadError:
                self._flush(until)
            except ssl.SSLError:
                self._flush(until)  # an alert: why it ends
                raise
            else:
                self._flush(until)
                return outcome
            self._wait(until)
            if data := self._sock.recv(_READ_BYTES):
                self._incoming.write(data)
            else:
                self._incoming.write_eof()

    def _flush(self, until: float) -> None:
        if self._outgoing.pending:
            self._wait(until)
            self._sock.sendall(self._outgoing.read())

    def _wait(self, until: float) -> None:
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left)

    def _farewell(self) -> None:
        with suppress(OSError):  # it need not be heard
            if self._greeted:
                self._greeted = False
                with suppress(ssl.SSLError):
                    self._tls.unwrap()
            self._sock.settimeout(0)
            self._sock.send(self._outgoing.read())
