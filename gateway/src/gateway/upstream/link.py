"""One connection to a service, and the exchange that is on it."""

from collections.abc import Callable, Iterable

from chassis.errors import DeadlineExceeded
from gateway.channel import Cancelled, Channel, TimedOut
from gateway.upstream.answer import Answer, AnswerReader
from gateway.upstream.failures import BadUpstreamAnswer, ConnectionLost


class Link:
    """A connection; `answer` is that of the last request asked on it."""

    __slots__ = ("_spoilt", "answer", "channel", "idle_since", "on_leave", "reader", "reused")

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.reader = AnswerReader()
        self.answer: Answer = self.reader.answer
        self.reused = False
        self.idle_since = 0.0
        self.on_leave: Callable[[], None] | None = None  # what an idle link does when its service ends it
        self._spoilt = False

    def ask(
        self, method: str, pieces: Iterable[bytes], until: float, on_answer: Callable[[], None] | None = None
    ) -> None:
        """Send a request in pieces and wait for the head of its answer, which may come before the last piece: then
        `on_answer` is called, to end with Cancelled the wait for the next one.

        Raises ConnectionLost, BadUpstreamAnswer, DeadlineExceeded at `until`, and whatever making a piece raises.
        """
        self.answer = self.reader.expect(method)
        self.channel.on_stir = on_answer
        try:
            self._send(pieces, until)
        finally:
            self.channel.on_stir = None
        while not self.answer.headed:
            self._read(until)

    def wait(self, until: float) -> None:
        """Wait for more of the answer's body. Raises BadUpstreamAnswer, DeadlineExceeded at `until`."""
        try:
            self._read(until)
        except ConnectionLost as lost:
            raise BadUpstreamAnswer("It ended too early.") from lost

    def reusable(self) -> bool:
        """Tell whether another request may follow on this connection."""
        return self.answer.complete and self.reader.reusable and not (self._spoilt or self.channel.stirred)

    def _send(self, pieces: Iterable[bytes], until: float) -> None:
        try:
            for piece in pieces:
                if self.channel.stirred or not self._take(piece, until):
                    self._spoilt = True  # it answered, or left, without waiting for the rest
                    return
        except Cancelled:
            self._spoilt = True

    def _take(self, piece: bytes, until: float) -> bool:
        try:
            self.channel.send(piece, until)
        except TimedOut:
            raise DeadlineExceeded("The service did not take the request in time.") from None
        except OSError:
            return False
        return True

    def _read(self, until: float) -> None:
        try:
            data = self.channel.receive(until)
        except TimedOut:
            raise DeadlineExceeded("The service did not answer in time.") from None
        except OSError as lost:
            raise ConnectionLost() from lost
        if data:
            self.reader.feed(data)
        elif self.answer.headed:
            self.reader.end()
        else:
            raise ConnectionLost()
