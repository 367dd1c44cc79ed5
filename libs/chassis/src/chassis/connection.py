"""One client's connection: its requests answered one after another by a WSGI app; no wait is without a
bound."""

import io
import logging
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chassis import context
from chassis.errors import BadRequest
from chassis.http1 import Incoming, Malformed, RequestParser
from chassis.problems import MEDIA_TYPE, problem_bytes
from chassis.wsgi_wire import Answer, Body, WsgiApp, http_date

if TYPE_CHECKING:
    from chassis.tls_socket import TlsSocket

_log = logging.getLogger("access")
_READ_BYTES = 64 * 1024
_LINGER_SECONDS = 1.0
_LINGER_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a client may take, in seconds: between requests, for a head, for a body, to take an answer."""

    idle_seconds: float = 75.0
    head_seconds: float = 10.0
    body_seconds: float = 30.0
    write_seconds: float = 30.0


class Connection:
    """Serves one accepted socket until either side ends it. `closing()` tells whether this process is about
    to stop: then each answer is the connection's last."""

    def __init__(
        self,
        sock: "socket.socket | TlsSocket",
        environ: dict[str, Any],
        app: WsgiApp,
        closing: Callable[[], bool],
        patience: Patience,
    ) -> None:
        self.idle = True
        self._sock = sock
        self._environ = environ
        self._app = app
        self._closing = closing
        self._patience = patience
        self._parser = RequestParser()
        self._malformed: Malformed | None = None
        self._ended = False

    def serve(self) -> None:
        """Answer requests until the client leaves, breaks the protocol, takes too long, or this process
        stops."""
        try:
            while (request := self._next()) is not None:
                if not self._answer(request):
                    return self._linger() if not request.complete else None
            if self._malformed is not None:
                self._refuse(self._malformed)
        except OSError:
            pass  # the client is gone, or took too long: there is nobody to tell
        finally:
            self._sock.close()

    def interrupt(self) -> None:
        """End the wait for a next request; one that has come already is still answered."""
        with suppress(OSError):  # it ended by itself
            self._sock.shutdown(socket.SHUT_RD)

    def _next(self) -> Incoming | None:
        ready = self._parser.ready
        self.idle = self._parser.reading is None and not ready
        until = time.monotonic() + (self._patience.idle_seconds if self.idle else self._patience.head_seconds)
        while not ready:
            if self._malformed is not None or not self._receive(until):
                return None
            if self.idle and (self._parser.reading is not None or ready):
                self.idle = False
                until = time.monotonic() + self._patience.head_seconds
        return ready.popleft()

    def _receive(self, until: float) -> bool:
        """Read what the client sends until a moment on the monotonic clock; False at the end of what it
        sends."""
        left = until - time.monotonic()
        if left <= 0 or self._ended:
            return False
        self._sock.settimeout(left)
        try:
            data = self._sock.recv(_READ_BYTES)
        except TimeoutError:
            data = b""
        if not data:
            self._ended = True
            return False
        try:
            self._parser.feed(data)
        except Malformed as wrong:
            self._malformed = wrong
        return True

    def _answer(self, request: Incoming) -> bool:
        """Call the app for one request; tell whether the connection goes on."""
        environ = {**self._environ, **request.environ}
        environ["wsgi.input"] = self._body(request)

        def may_go_on() -> bool:
            return request.keep_alive and request.complete and not self._closing()

        answer = Answer(self._sock, environ, may_go_on, self._patience.write_seconds)
        pieces = self._app(environ, answer.start)
        try:
            answer.send(pieces)
        finally:
            if close := getattr(pieces, "close", None):
                close()
        return answer.keep_alive

    def _body(self, request: Incoming) -> io.IOBase:
        if request.complete:
            return io.BytesIO(b"".join(request.body))
        until = time.monotonic() + self._patience.body_seconds
        expects = str(request.environ.get("HTTP_EXPECT", "")).lower() == "100-continue"
        return Body(
            request,
            lambda: self._receive(until) and self._malformed is None,
            self._go_on if expects else None,
        )

    def _go_on(self) -> None:
        self._sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _refuse(self, wrong: Malformed) -> None:
        with context.use(context.RequestContext()) as here:
            error = BadRequest(str(wrong))
            body = problem_bytes(error, here.request_id)
            fields = {"route": "none", "status": wrong.status, "code": error.code, "detail": error.detail}
            _log.info("request", extra=fields)
            head = (
                f"HTTP/1.1 {wrong.status} Refused\r\n"
                f"Date: {http_date(int(time.time()))}\r\nX-Request-ID: {here.request_id}\r\n"
                f"Content-Type: {MEDIA_TYPE}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            )
        self._sock.settimeout(self._patience.write_seconds)
        self._sock.sendall(head.encode("latin-1") + body)
        self._linger()

    def _linger(self) -> None:
        """Give the client the time to read the answer: closing over bytes not read would reset the
        connection, and take the answer with it (RFC 9112, section 9.6)."""
        self._sock.shutdown(socket.SHUT_WR)
        until, read = time.monotonic() + _LINGER_SECONDS, 0
        while (left := until - time.monotonic()) > 0 and read < _LINGER_BYTES:
            self._sock.settimeout(left)
            data = self._sock.recv(_READ_BYTES)
            if not data:
                return
            read += len(data)
