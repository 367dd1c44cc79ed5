"""One client connection: its requests one after another, each within the limits, and an orderly end."""

import time
from collections.abc import Callable
from typing import Protocol

from gateway.channel import Cancelled, Channel, TimedOut
from gateway.front.limits import Limits
from gateway.front.refusals import Refusal, RequestTimedOut, TooManyConnections
from gateway.front.reply import CONTINUE, Reply
from gateway.front.request import Request, RequestReader

_WINDOW_BYTES = 65536
_LINGER_SECONDS = 2.0
_LINGER_BYTES = 1 << 20


class Handler(Protocol):
    """What a front is for: answers requests, and says in its own words why one was refused."""

    def serve(self, request: Request, reply: Reply) -> None: ...

    def refuse(self, refusal: Refusal, reply: Reply, peer: str) -> None: ...


class Connection:
    """`busy` while a request is in hand, `draining` once its reply is to be the last."""

    def __init__(self, channel: Channel, peer: str, handler: Handler, limits: Limits) -> None:
        self.channel = channel
        self.draining = False
        self.busy = False
        self.peer = peer
        self._handler = handler
        self._limits = limits
        self._reader = RequestReader(self, peer, limits)
        self._window_bytes = 0
        self._window_until = 0.0

    def serve(self) -> None:
        """Serve requests until one side has had enough, then close."""
        try:
            while self._serve_next():
                pass
        except (OSError, Cancelled):
            pass  # this client cannot be told anything more
        finally:
            self.channel.close()

    def turn_away(self) -> None:
        """Say that there are too many connections, then close."""
        try:
            self._refuse(TooManyConnections(retry_after_seconds=1))
        except (OSError, Cancelled):
            pass  # gone already
        finally:
            self.channel.close()

    def quiet(self) -> bool:
        """Tell whether nothing would be lost by closing now: no request is in hand or on its way."""
        return not (self.busy or self._reader.in_head) and self.channel.peek() is None

    def send(self, data: bytes) -> None:
        """Send all of it, within the time a client has to take it."""
        self.channel.send(data, time.monotonic() + self._limits.write_seconds)

    def when_client_leaves(self, call: Callable[[], None] | None) -> None:
        """Have something called, from the loop, when the client leaves before its reply has ended."""
        channel = self.channel
        if call is None:
            channel.on_stir = None
            return
        channel.on_stir = lambda: call() if channel.peek() == b"" else None
        if channel.stirred:
            channel.on_stir()

    def stop_waiting(self) -> None:
        """Raise Cancelled in the one who waits for this client."""
        self.channel.cancel()

    def fill(self, request: Request) -> None:
        """Wait for more of a request's body. Raises Refusal for a bad or a slow one, OSError when the client left."""
        if self._reader.refusal is not None:
            raise self._reader.refusal
        if request.expects_continue:
            request.expects_continue = False
            self.send(CONTINUE)
        if self._window_bytes <= 0:
            self._window_bytes = _WINDOW_BYTES
            self._window_until = time.monotonic() + (request.body_seconds or self._limits.body_seconds)
        try:
            data = self.channel.receive(self._window_until)
        except TimedOut:
            raise RequestTimedOut("The body did not arrive in time.") from None
        if not data:
            raise ConnectionAbortedError("the client left in the middle of a body")
        self._window_bytes -= len(data)
        self._reader.feed(data)
        if self._reader.refusal is not None and not request.complete:
            raise self._reader.refusal

    def _serve_next(self) -> bool:
        try:
            request = self._next_request()
        except Refusal as refusal:
            self._refuse(refusal)
            return False
        if request is None:
            return False
        self._window_bytes = 0
        reply = Reply(self, request)
        self.busy = True
        self._handler.serve(request, reply)
        self.busy = False
        if not reply.keep:
            self._linger()
        return reply.keep

    def _next_request(self) -> Request | None:
        reader, limits = self._reader, self._limits
        until = time.monotonic() + limits.idle_seconds
        while not reader.heads:
            if reader.refusal is not None:
                raise reader.refusal
            was_in_head = reader.in_head
            try:
                data = self.channel.receive(until)
            except TimedOut:
                if not reader.in_head:
                    return None
                raise RequestTimedOut("The header did not arrive in time.") from None
            if not data:
                return None
            reader.feed(data)
            if reader.in_head and not was_in_head:
                until = time.monotonic() + limits.head_seconds
        return reader.heads.popleft()

    def _refuse(self, refusal: Refusal) -> None:
        self._handler.refuse(refusal, Reply(self, None), self.peer)
        self._linger()

    def _linger(self) -> None:
        """Let the client read the reply: closing with bytes unread would make its system throw the reply away."""
        self.channel.end_sending()
        until, left = time.monotonic() + _LINGER_SECONDS, _LINGER_BYTES
        while left > 0 and (data := self.channel.receive(until)):
            left -= len(data)
