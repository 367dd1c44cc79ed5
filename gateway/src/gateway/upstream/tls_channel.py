"""A channel under TLS: the same waits on the same loop, with the records made and read in memory between them."""

import ssl
from collections.abc import Callable

from gateway.channel import Channel, RawSocket, Reactor

_RECORD_BYTES = 16384


class TlsChannel(Channel):
    """The client's end. `failed` is told why TLS cannot be had or ended."""

    __slots__ = ("_failed", "_incoming", "_outgoing", "_tls")

    def __init__(
        self,
        reactor: Reactor,
        sock: RawSocket,
        context: ssl.SSLContext,
        name: str,
        failed: Callable[[ssl.SSLError], object],
    ) -> None:
        """Take what the certificate of the other end must name."""
        super().__init__(reactor, sock)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        self._failed = failed

    def handshake(self, until: float) -> None:
        """Agree with the other end. Raises TimedOut at `until` (monotonic seconds), Cancelled, OSError."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush(until)
                self._take(until)
            except ssl.SSLError as failure:
                self._failed(failure)
                self._flush(until)  # an alert: why it ends
                raise
            else:
                self._flush(until)
                return

    def receive(self, until: float) -> memoryview:
        buffer, view, size = self._reactor.buffer, self._reactor.view, 0
        while True:
            try:
                size += self._tls.read(len(buffer) - size, view[size:] if size else buffer)
                if not self._incoming.pending or size == len(buffer):
                    return view[:size]
            except (ssl.SSLWantReadError, ssl.SSLZeroReturnError) as end:
                if size or isinstance(end, ssl.SSLZeroReturnError):
                    return view[:size]
                self._take(until)
            except ssl.SSLError as failure:
                if not isinstance(failure, ssl.SSLEOFError):
                    self._failed(failure)
                raise

    def send(self, data: bytes, until: float) -> None:
        write = self._tls.write
        for begin in range(0, len(data), _RECORD_BYTES):
            write(data[begin : begin + _RECORD_BYTES] if begin or len(data) > _RECORD_BYTES else data)
        self._flush(until)

    def _flush(self, until: float) -> None:
        if self._outgoing.pending:
            super().send(self._outgoing.read(), until)

    def _take(self, until: float) -> None:
        data = super().receive(until)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
