"""One service as the gateway reaches it: a pool of raw connections, and one more try where that is safe."""

import time
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial

import gevent
import gevent.socket
from gevent.socket import IPPROTO_TCP, TCP_NODELAY

from gateway.channel import Channel, RawSocket, Reactor
from gateway.upstream.failures import ConnectionLost, UpstreamBusy, UpstreamUnavailable
from gateway.upstream.link import Link

_SAFE = frozenset(("GET", "HEAD", "OPTIONS"))


class Upstream:
    """A service at `host`:`port`; times in seconds, `connections` for this process."""

    def __init__(
        self,
        reactor: Reactor,
        host: str,
        port: int,
        *,
        connections: int,
        connect_seconds: float,
        idle_seconds: float,
    ) -> None:
        self.authority = f"{host}:{port}"
        self._reactor = reactor
        self._address = (host, port)
        self._connections = connections
        self._connect_seconds = connect_seconds
        self._idle_seconds = idle_seconds  # shorter than the service keeps one
        self._idle: deque[Link] = deque()
        self._in_use = 0

    def ask(self, method: str, message: bytes, until: float) -> Link:
        """Send a whole request and return the link on which its answer has begun; give it back with `release`.

        A safe request is sent once more when the service had just closed the connection it went out on.
        Raises UpstreamUnavailable, UpstreamBusy, BadUpstreamAnswer, DeadlineExceeded.
        """
        link = self._take(method, until)
        while True:
            try:
                link.ask(method, message, until)
                return link
            except ConnectionLost:
                self.release(link)
                if not (link.reused and method in _SAFE):
                    raise UpstreamUnavailable("The service ended the connection.") from None
                link = self._connect(until)
            except BaseException:
                self.release(link)
                raise

    def ask_in_pieces(
        self, method: str, pieces: Iterable[bytes], until: float, on_answer: Callable[[], None]
    ) -> Link:
        """Do the same with a request that is still being made, which can be sent only once; `on_answer` is called when
        the answer comes before the last piece. Raises also whatever making a piece raises."""
        link = self._take(method, until)
        try:
            link.ask_in_pieces(method, pieces, until, on_answer)
        except ConnectionLost:
            self.release(link)
            raise UpstreamUnavailable("The service ended the connection.") from None
        except BaseException:
            self.release(link)
            raise
        return link

    def release(self, link: Link) -> None:
        """Take a link back: for the next request where that is safe, else to close it."""
        self._in_use -= 1
        if not link.reusable():
            link.channel.close()
            return
        now = link.idle_since = time.monotonic()
        link.reused = True
        link.channel.on_stir = link.on_leave
        self._idle.append(link)
        while self._idle[0].idle_since < now - self._idle_seconds:
            self._idle.popleft().channel.close()

    def close(self) -> None:
        """Close what is idle."""
        while self._idle:
            self._idle.pop().channel.close()

    def _take(self, method: str, until: float) -> Link:
        while self._idle:
            link = self._idle.pop()
            link.channel.on_stir = None
            fresh = time.monotonic() - link.idle_since < self._idle_seconds
            # What is not safe cannot be sent twice: look closely whether the service has left.
            if fresh and (method in _SAFE or link.channel.peek() is None):
                self._in_use += 1
                return link
            link.channel.close()
        return self._connect(until)

    def _connect(self, until: float) -> Link:
        if self._in_use >= self._connections:
            raise UpstreamBusy(retry_after_seconds=1)
        self._in_use += 1
        try:
            with gevent.Timeout(min(self._connect_seconds, until - time.monotonic()), TimeoutError):
                sock = gevent.socket.create_connection(self._address)
        except OSError as failure:
            self._in_use -= 1
            raise UpstreamUnavailable() from failure
        except BaseException:
            self._in_use -= 1
            raise
        sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        link = Link(Channel(self._reactor, RawSocket(fileno=sock.detach())))
        link.on_leave = partial(self._forget, link)
        return link

    def _forget(self, link: Link) -> None:
        self._idle.remove(link)
        link.channel.close()
