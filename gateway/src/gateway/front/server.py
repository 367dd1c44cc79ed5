"""The listening side: accepts connections, keeps the roll of them, and ends them when the process shall."""

import logging
import time
from collections.abc import Callable

import gevent
from gevent.socket import IPPROTO_TCP

from gateway.channel import READ, Channel, RawSocket, Reactor
from gateway.front.connection import Connection, Handler
from gateway.front.limits import Limits

_log = logging.getLogger(__name__)

_ACCEPT_AT_ONCE = 16  # then the other processes and the open connections have their turn
_PAUSE_SECONDS = 0.5
_POLL_SECONDS = 0.02
_TCP_NOTSENT_LOWAT = 25  # Linux; the socket module has no name for it
_UNSENT_BYTES = 131072
_LAST_USE_SECONDS = 1.0  # a pooled connection may bring one more request, and is told that it was the last


class Server:
    """Serves one listening socket with one handler."""

    def __init__(self, reactor: Reactor, listener: RawSocket, handler: Handler, limits: Limits) -> None:
        listener.setblocking(False)
        # A client that does not read fills our process' memory with no more than this, nor the kernel's (inherited).
        listener.setsockopt(IPPROTO_TCP, _TCP_NOTSENT_LOWAT, _UNSENT_BYTES)
        self.connections: set[Connection] = set()
        self._reactor = reactor
        self.listener = listener
        self._handler = handler
        self._limits = limits
        self._draining = False
        self._acceptable = reactor.loop.io(listener.fileno(), READ)
        self._pause = reactor.loop.timer(_PAUSE_SECONDS)

    def start(self) -> None:
        """Begin to accept."""
        self._acceptable.start(self._accept_some)

    def announce_end(self) -> None:
        """Go on, and tell each client with its next reply that the connection ends."""
        self._draining = True
        for connection in self.connections:
            connection.draining = True

    def stop_accepting(self) -> None:
        """Take what waits in the backlog, where closing would reset it, and close the listening socket."""
        self._acceptable.stop()
        while self._accept():
            pass
        self._acceptable.close()
        self.listener.close()

    def drain(self, seconds: float) -> int:
        """Let the requests in hand end, close what is idle, and return how many connections had to be cut."""
        now = time.monotonic()
        until, patient_until = now + seconds, now + _LAST_USE_SECONDS
        while self.connections and (now := time.monotonic()) < until:
            for connection in [each for each in self.connections if now >= patient_until and each.quiet()]:
                connection.channel.cancel()
            gevent.sleep(_POLL_SECONDS)
        return len(self.connections)

    def _accept_some(self) -> None:
        for _ in range(_ACCEPT_AT_ONCE):
            if not self._accept():
                return

    def _accept(self) -> bool:
        try:
            fileno, address = self.listener._accept()
        except (BlockingIOError, ConnectionAbortedError):
            return False
        except OSError as failure:  # no descriptors or no memory left: the loop would call again at once
            _log.error("cannot accept: %s", failure)
            self._acceptable.stop()
            self._pause.start(self._resume)
            return False
        peer = address[0] if isinstance(address, tuple) else ""
        connection = Connection(
            Channel(self._reactor, RawSocket(fileno=fileno)), peer, self._handler, self._limits
        )
        connection.draining = self._draining
        full = len(self.connections) >= self._limits.connections
        self.connections.add(connection)
        gevent.spawn(self._serve, connection, connection.turn_away if full else connection.serve)
        return True

    def _resume(self) -> None:
        if not self._draining:
            self._acceptable.start(self._accept_some)

    def _serve(self, connection: Connection, conversation: Callable[[], None]) -> None:
        try:
            conversation()
        finally:
            self.connections.discard(connection)
