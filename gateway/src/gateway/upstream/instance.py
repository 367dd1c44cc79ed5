"""One instance of a service: a pool of raw connections, and what its answers say about it."""

import ssl
import time
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

import gevent
import gevent.socket
from gevent.socket import IPPROTO_TCP, TCP_NODELAY

from chassis.errors import DeadlineExceeded
from gateway.channel import Channel, RawSocket, Reactor
from gateway.upstream.breaker import LOST, REFUSED, SILENT, Breaker
from gateway.upstream.failures import BadUpstreamAnswer, ConnectionLost, NotConnected
from gateway.upstream.link import Link
from gateway.upstream.message import SAFE, Message, Pieces
from gateway.upstream.tls_channel import TlsChannel

if TYPE_CHECKING:
    from chassis.tls import Credentials


class Instance:
    """What answers at `host`:`port`; times in seconds. `answered` counts its answers, `ready` and
    `version`, the release it runs, are its own word."""

    def __init__(
        self,
        reactor: Reactor,
        host: str,
        port: int,
        *,
        breaker: Breaker,
        connect_seconds: float,
        idle_seconds: float,
        tls: "Credentials | None" = None,
        name: str = "",
    ) -> None:
        """With `tls` it must show a certificate for `name`."""
        self.authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self.breaker = breaker
        self.in_flight = 0
        self.answered = 0
        self.ready = True
        self.version = ""
        self.retired = False
        self._host = f"Host: {self.authority}\r\n".encode()
        self.readiness_request = (
            b"GET /readyz HTTP/1.1\r\n%bAccept: application/json\r\nConnection: close\r\n\r\n" % self._host
        )
        self._reactor = reactor
        self._address = (host, port)
        self._tls = tls
        self._name = name
        self._connect_seconds = connect_seconds
        self._idle_seconds = idle_seconds  # shorter than the service keeps one
        self._idle: deque[Link] = deque()
        self._unanswered: set[Link] = set()

    def ask(self, message: Message, *, fresh: bool = False) -> Link:
        """Send a whole request and return the link on which its answer has begun; give it back with `release`.

        Raises NotConnected, ConnectionLost, BadUpstreamAnswer, DeadlineExceeded.
        """
        link = self._connect(message.until) if fresh else self._take(message)
        self._unanswered.add(link)
        try:
            link.ask(message.method, message.to(self._host), message.until)
        except BaseException as failure:
            self.release(link)
            self._blame(failure, link)
            raise
        finally:
            self._unanswered.discard(link)
        self._praise()
        return link

    def ask_in_pieces(self, message: Message, pieces: Pieces) -> Link:
        """Do the same with a request that is still being made; raises also whatever making a piece raises."""
        link = self._take(message)
        self._unanswered.add(link)
        try:
            body = pieces.body(message.to(self._host))
            link.ask_in_pieces(message.method, body, message.until, pieces.on_answer)
        except BaseException as failure:
            self.release(link)
            if isinstance(failure, BadUpstreamAnswer):
                self._blame(failure, link)
            else:
                self.breaker.abandoned()  # a client that sends slowly, or too much, must not speak for the instance
            raise
        finally:
            self._unanswered.discard(link)
        self._praise()
        return link

    def release(self, link: Link) -> None:
        """Take a link back: for the next request where that is safe, else to close it."""
        self.in_flight -= 1
        if self.retired or not link.reusable():
            link.channel.close()
            return
        now = link.idle_since = time.monotonic()
        link.reused = True
        link.channel.on_stir = link.on_leave
        self._idle.append(link)
        while self._idle[0].idle_since < now - self._idle_seconds:
            self._idle.popleft().channel.close()

    def give_up(self) -> None:
        """End the waits of those who have no answer yet, as if their connections were lost."""
        for link in list(self._unanswered):
            link.give_up()

    def retire(self) -> None:
        """Take no more requests; those in flight end as they would have."""
        self.retired = True
        self.close()

    def close(self) -> None:
        """Close what is idle."""
        while self._idle:
            self._idle.pop().channel.close()

    def connect(self, seconds: float) -> Link:
        """Open a connection outside the pool. Raises OSError, TimeoutError among them."""
        until = time.monotonic() + seconds
        with gevent.Timeout(seconds, TimeoutError):
            sock = gevent.socket.create_connection(self._address)
        sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        raw = RawSocket(fileno=sock.detach())
        return Link(Channel(self._reactor, raw) if self._tls is None else self._secure(raw, until), self)

    def _secure(self, raw: RawSocket, until: float) -> Channel:
        assert self._tls is not None
        channel = TlsChannel(self._reactor, raw, self._tls.client, self._name, self._distrust)
        try:
            channel.handshake(until)
        except BaseException:
            channel.close()
            raise
        return channel

    def _distrust(self, failure: ssl.SSLError) -> None:
        assert self._tls is not None
        self._tls.tell("no TLS with instance", failure, upstream=self._name, instance=self.authority)

    def _take(self, message: Message) -> Link:
        while self._idle:
            link = self._idle.pop()
            link.channel.on_stir = None
            fresh = time.monotonic() - link.idle_since < self._idle_seconds
            # What is not safe cannot be sent twice: look closely whether the service has left.
            if fresh and (message.method in SAFE or link.channel.peek() is None):
                self.in_flight += 1
                return link
            link.channel.close()
        return self._connect(message.until)

    def _connect(self, until: float) -> Link:
        left = until - time.monotonic()
        if left <= 0:
            self.breaker.abandoned()
            raise DeadlineExceeded("There was no time left to ask the service.")
        self.in_flight += 1
        try:
            link = self.connect(min(self._connect_seconds, left))
        except OSError as failure:
            self.in_flight -= 1
            refused = isinstance(failure, ConnectionRefusedError | ssl.SSLError)
            self.breaker.failed(REFUSED if refused else SILENT)
            raise NotConnected() from failure
        except BaseException:
            self.in_flight -= 1
            self.breaker.abandoned()
            raise
        link.on_leave = partial(self._forget, link)
        return link

    def _praise(self) -> None:
        self.answered += 1
        if self.breaker.unproven:
            self.breaker.succeeded()

    def _blame(self, failure: BaseException, link: Link) -> None:
        if isinstance(failure, BadUpstreamAnswer):
            self.breaker.failed("no proper answer")
        elif isinstance(failure, DeadlineExceeded):
            self.breaker.failed("no answer in time")
        elif isinstance(failure, ConnectionLost) and not link.reused:
            self.breaker.failed(LOST)
        else:
            self.breaker.abandoned()
        if isinstance(failure, ConnectionLost):
            failure.reused = link.reused and not link.given_up

    def _forget(self, link: Link) -> None:
        self._idle.remove(link)
        link.channel.close()
