"""Sockets of the data path: a greenlet sleeps on the bare event loop until its socket is ready or its time is up.

gevent's own sockets make a waiter, a timer and a failing system call for each wait; here each socket has one watcher
that stays in the loop, and one clock ends what waits too long.
"""

import _socket
import time
from collections.abc import Callable

import gevent
from greenlet import getcurrent

READ, WRITE = 1, 2
NEVER = float("inf")
_CHUNK_BYTES = 65536
_TICK_SECONDS = 0.1  # how late a wait may end

# The C class: socket.socket is gevent's once that has patched the process.
RawSocket = _socket.socket


class TimedOut(TimeoutError):
    """The time given to a wait is up."""


class Cancelled(Exception):
    """Someone else ended this wait."""


class Reactor:
    """What the channels of a process share: the loop, one receive buffer, and the clock that ends waits."""

    def __init__(self) -> None:
        self.hub = gevent.get_hub()
        self.loop = self.hub.loop
        # One for all: what is received is parsed before the greenlet sleeps again.
        self.buffer = bytearray(_CHUNK_BYTES)
        self.view = memoryview(self.buffer)
        self.channels: set[Channel] = set()
        self._ticker = self.loop.timer(_TICK_SECONDS, _TICK_SECONDS, ref=False)
        self._ticker.start(self._end_late_waits)

    def _end_late_waits(self) -> None:
        now = time.monotonic()
        for channel in [each for each in self.channels if each.until <= now]:
            if channel.until <= now:  # the one before may have changed it
                channel.interrupt(TimedOut())


class Channel:
    """One connected socket. `stirred` says that something arrived, or the peer left, while nobody waited for it;
    `on_stir` is called at that moment, from the loop."""

    __slots__ = (
        "_greenlet",
        "_reactor",
        "_readable",
        "_receive_into",
        "_send",
        "on_stir",
        "sock",
        "stirred",
        "until",
    )

    def __init__(self, reactor: Reactor, sock: RawSocket) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.until = NEVER
        self.stirred = False
        self.on_stir: Callable[[], None] | None = None
        self._reactor = reactor
        self._greenlet: gevent.Greenlet | None = None
        self._receive_into = sock.recv_into
        self._send = sock.send
        self._readable = reactor.loop.io(sock.fileno(), READ)
        self._readable.start(self._on_readable)
        reactor.channels.add(self)

    def receive(self, until: float) -> memoryview:
        """Return the next bytes, empty when the peer has ended the stream; they are overwritten by the next receive of
        any channel. Raises TimedOut at `until` (monotonic seconds), Cancelled, OSError."""
        while True:
            if not self.stirred:
                self._wait(until)
            self.stirred = False
            try:
                return self._reactor.view[: self._receive_into(self._reactor.buffer)]
            except BlockingIOError:
                continue

    def send(self, data: bytes, until: float) -> None:
        """Send all of it. Raises TimedOut at `until` (monotonic seconds), Cancelled, OSError."""
        try:
            sent = self._send(data)
        except BlockingIOError:
            sent = 0
        if sent < len(data):
            self._send_rest(memoryview(data)[sent:], until)

    def peek(self) -> bytes | None:
        """Return a byte that has arrived and leave it there; empty when the peer has left, None when nothing came."""
        try:
            return self.sock.recv(1, _socket.MSG_PEEK)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def cancel(self) -> None:
        """Raise Cancelled in the greenlet that waits on this channel, if one does."""
        self._reactor.loop.run_callback(self.interrupt, Cancelled())

    def interrupt(self, reason: Exception) -> None:
        """Raise `reason` in the greenlet that waits on this channel, if one does; to be called from the loop only."""
        sleeper, self._greenlet = self._greenlet, None
        if sleeper is not None:
            self.until = NEVER
            sleeper.throw(reason)

    def end_sending(self) -> None:
        """Tell the peer that nothing more will come."""
        self.sock.shutdown(_socket.SHUT_WR)

    def close(self) -> None:
        """Close the socket; harmless when it is closed."""
        self._readable.stop()
        self._readable.close()
        self.sock.close()
        self._reactor.channels.discard(self)

    def _wait(self, until: float) -> None:
        if not self._readable.active:
            self._readable.start(self._on_readable)
        self._sleep(until)

    def _sleep(self, until: float) -> None:
        self.until = until
        self._greenlet = getcurrent()
        try:
            self._reactor.hub.switch()
        finally:
            self._greenlet = None
            self.until = NEVER

    def _wake(self) -> None:
        sleeper, self._greenlet = self._greenlet, None
        if sleeper is not None:
            sleeper.switch()

    def _on_readable(self) -> None:
        if self._greenlet is not None:
            self._wake()
            return
        self.stirred = True
        self._readable.stop()  # the loop would call again and again until someone reads
        if self.on_stir is not None:
            self.on_stir()

    def _send_rest(self, rest: memoryview, until: float) -> None:
        # Two directions cannot wait at once: while this one writes, arriving bytes only stir the channel.
        self._readable.stop()
        writable = self._reactor.loop.io(self.sock.fileno(), WRITE)
        writable.start(self._wake)
        try:
            while rest:
                self._sleep(until)
                try:
                    rest = rest[self._send(rest) :]
                except BlockingIOError:
                    continue
        finally:
            writable.stop()
            writable.close()
            if not self.stirred:
                self._readable.start(self._on_readable)
