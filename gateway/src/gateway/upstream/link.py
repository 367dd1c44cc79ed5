"""One connection to a service, and the exchange that is on it."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from chassis.errors import DeadlineExceeded
from gateway.channel import Cancelled, Channel, TimedOut
from gateway.upstream.answer import Answer, AnswerReader
from gateway.upstream.failures import BadUpstreamAnswer, ConnectionLost

if TYPE_CHECKING:
    from gateway.upstream.instance import Instance


class Link:
    """A connection to `instance`; `answer` is that of the last request asked on it."""

    __slots__ = (
        "_spoilt",
        "answer",
        "channel",
        "given_up",
        "idle_since",
        "instance",
        "on_leave",
        "reader",
        "reused",
    )

    def __init__(self, channel: Channel, instance: "Instance") -> None:
        self.channel = channel
        self.instance = instance
        self.reader = AnswerReader()
        self.answer: Answer = self.reader.answer
        self.reused = False
        self.idle_since = 0.0
        self.on_leave: Callable[[], None] | None = None  # what an idle link does when its service ends it
        self._spoilt = self.given_up = False

    def ask(self, method: str, message: bytes, until: float) -> None:
        """Send a whole request and wait for the head of its answer.

        Raises ConnectionLost, BadUpstreamAnswer, DeadlineExceeded at `until`.
        """
        self.answer = self.reader.expect(method)
        self._send(message, until)
        self._read_head(until)

    def ask_in_pieces(
        self, method: str, pieces: Iterable[bytes], until: float, on_answer: Callable[[], None]
    ) -> None:
        """Do the same with a request that is still being made; raises also whatever making a piece raises. When the
        answer comes before the last piece, `on_answer` is called, to end with Cancelled the wait for the next one."""
        self.answer = self.reader.expect(method)
        self.channel.on_stir = on_answer
        try:
            for piece in pieces:
                if self.given_up or self.channel.stirred or not self._send(piece, until):
                    self._spoilt = True
                    break
        except Cancelled:
            self._spoilt = True
        finally:
            self.channel.on_stir = None
        self._read_head(until)

    def give_up(self) -> None:
        """End the wait for the head of an answer as if the connection were lost."""
        self.given_up = True
        self.channel.cancel()
        if self.channel.on_stir is not None:
            self.channel.on_stir()  # it is the next piece that is waited for

    def wait(self, until: float) -> None:
        """Wait for more of the answer's body. Raises BadUpstreamAnswer, DeadlineExceeded at `until`."""
        try:
            self._read(until)
        except ConnectionLost as lost:
            raise BadUpstreamAnswer("It ended too early.") from lost

    def reusable(self) -> bool:
        """Tell whether another request may follow on this connection."""
        spoilt = self._spoilt or self.given_up or self.channel.stirred
        return self.answer.complete and self.reader.reusable and not spoilt

    def _read_head(self, until: float) -> None:
        while not self.answer.headed:
            if self.given_up:
                raise ConnectionLost()
            try:
                self._read(until)
            except Cancelled:
                raise ConnectionLost() from None

    def _send(self, data: bytes, until: float) -> bool:
        try:
            self.channel.send(data, until)
        except TimedOut:
            raise DeadlineExceeded("The service did not take the request in time.") from None
        except Cancelled:
            if not self.given_up:
                raise
            return False
        except OSError:
            self._spoilt = True  # it left without waiting for the rest, but may have said why
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
