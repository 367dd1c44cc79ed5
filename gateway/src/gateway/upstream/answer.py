"""Answers as they come from a service: the head, then the body as it arrives; what follows an answer is nobody's."""

import httptools

from gateway.upstream.failures import BadUpstreamAnswer

_LARGEST_HEAD_BYTES = 65536
_INFORMATIONAL = range(100, 200)


class Answer:
    """One answer. `length` is None where the head does not tell it; `headed` once the head is whole."""

    __slots__ = ("chunks", "complete", "ends_with_connection", "fields", "headed", "length", "status")

    def __init__(self) -> None:
        self.status = 0
        self.fields: list[tuple[bytes, bytes]] = []
        self.length: int | None = None
        self.chunks: list[bytes] = []
        self.headed = self.complete = self.ends_with_connection = False

    def take(self) -> bytes:
        """Return what has arrived of the body since the last call."""
        chunks = self.chunks
        if not chunks:
            return b""
        self.chunks = []
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)


class AnswerReader:
    """Reads the answers of one connection; `reusable` says whether another request may follow the last answer."""

    def __init__(self) -> None:
        self.reusable = True
        self.answer = Answer()
        self._head_bytes = 0
        self._without_body = False
        self._parser = httptools.HttpResponseParser(self)

    def expect(self, method: str) -> Answer:
        """Begin to read the answer to a request."""
        if self._without_body:  # the parser still waits for the body of the answer to a HEAD
            self._parser = httptools.HttpResponseParser(self)
        self._without_body = method == "HEAD"
        self._head_bytes = 0
        self.answer = Answer()
        return self.answer

    def feed(self, data: memoryview) -> None:
        """Parse what has arrived. Raises BadUpstreamAnswer for what is no answer."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            raise BadUpstreamAnswer("It wanted to speak another protocol.") from None
        except httptools.HttpParserError as wrong:
            self.reusable = False
            if not self.answer.complete:
                cause = wrong.__context__
                raise (
                    cause if isinstance(cause, BadUpstreamAnswer) else BadUpstreamAnswer(f"{wrong}.")
                ) from wrong
        if not self.answer.headed:
            self._head_bytes += len(data)
            if self._head_bytes > _LARGEST_HEAD_BYTES:
                raise BadUpstreamAnswer("Its header is over the limit.")

    def end(self) -> None:
        """Take the end of the connection. Raises BadUpstreamAnswer in the middle of an answer."""
        self.reusable = False
        if not (self.answer.headed and self.answer.ends_with_connection):
            raise BadUpstreamAnswer("It ended too early.")
        self.answer.complete = True

    def on_message_begin(self) -> None:
        if self.answer.complete:
            raise BadUpstreamAnswer("A second answer follows the first.")

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.answer.headed:  # else a trailer field: dropped
            self.answer.fields.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        answer, parser = self.answer, self._parser
        status = parser.get_status_code()
        if status in _INFORMATIONAL:
            answer.fields = []
            return
        if not 200 <= status <= 599:
            raise BadUpstreamAnswer("Its status is none.")
        answer.status = status
        answer.headed = True
        self.reusable = parser.should_keep_alive()
        framed = False
        for name, value in answer.fields:
            if name == b"content-length":
                answer.length, framed = int(value), True
            elif name == b"transfer-encoding":
                if value.strip(b" \t").lower() != b"chunked":
                    raise BadUpstreamAnswer("Its transfer coding is not chunked.")
                framed = True
        answer.ends_with_connection = not framed
        if self._without_body:
            answer.complete = True

    def on_body(self, data: bytes) -> None:
        if self._without_body:
            raise BadUpstreamAnswer("A body follows the answer to a HEAD.")
        self.answer.chunks.append(data)

    def on_message_complete(self) -> None:
        if self.answer.headed:
            self.answer.complete = True
