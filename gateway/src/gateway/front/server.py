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

_PAUSE_SECONDS = 0.5
_POLL_SECONDS = 0.02
_TCP_NOTSENT_LOWAT = 25  # Linux; the socket module has no name for it
_UNSENT_BYTES = 131072
_LAST_USE_SECONDS = 1.0  # a pooled connection may bring one more request, and is told that it was the last


class Server:
    """Serves one listening socket with one handler."""

    def __init__(self, reactor: Reactor, listener: RawSocket, handler: Handler, limits: Limits) -> None:
        listener.setblocking(False)
        # What waits in the kernel for a client that does not read it (inherited by the connections).
        listener.setsockopt(IPPROTO_TCP, _TCP_NOTSENT_LOWAT, _UNSENT_BYTES)
        self.connections: set[Connection] = set()
        self._reactor = reactor
        self.listener = listener
        self._handler = handler
        self._limits = limits
        self._draining = False
        self._acceptable = reactor.loop.io(listener.fileno(), READ)
        self._pause = reactor.loop.timer(_PAUSE_SECONDS, _PAUSE_SECONDS)

    @property
    def in_flight(self) -> int:
        """How many requests are being answered."""
        return sum(each.busy for each in self.connections)

    def start(self) -> None:
        """Begin to accept."""
        self._pause.stop()
        self._acceptable.start(self._accept)

    def announce_end(self) -> None:
        """Go on, and tell each client with its next reply that the connection ends."""
        self._draining = True
        for connection in self.connections:
            connection.draining = True

    def stop_accepting(self) -> None:
        """Take what waits in the backlog, where closing would reset it, and close the listening socket."""
        self._acceptable.stop()
        self._pause.stop()
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

    def _accept(self) -> bool:
        """Take one connection, and leave the next to the next turn of the loop, or to another process; tell whether
        there was one."""
        try:
            fileno, address = self.listener._accept()
        except BlockingIOError:
            return False
        except ConnectionAbortedError:
            return True
        except OSError as failure:  # no descriptors or no memory left: the loop would call again at once
            _log.error("cannot accept: %s", failure)
            self._acceptable.stop()
            self._pause.again(self.start)
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

    def _serve(self, connection: Connection, conversation: Callable[[], None]) -> None:
        try:
            conversation()
        finally:
            self.connections.discard(connection)
