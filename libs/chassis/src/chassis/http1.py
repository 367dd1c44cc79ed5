"""HTTP/1.1 as it comes over a connection (RFC 9112): bytes in, requests out; llhttp reads, and what it lets
pass and this system has no use for is refused here. Knows no socket."""

from collections import deque
from functools import lru_cache
from urllib.parse import unquote_to_bytes

import httptools

_HEAD_MAX_BYTES = 32 * 1024
_TARGET_MAX_BYTES = 8 * 1024
# Two of one of these would leave it to chance which one counts.
_ONCE = frozenset(
    {"HTTP_HOST", "HTTP_AUTHORIZATION", "CONTENT_TYPE", "HTTP_EXPECT", "HTTP_TRANSFER_ENCODING"}
)


class Malformed(Exception):
    """The bytes are no HTTP request that is served here; the connection ends after `status` is answered."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class Incoming:
    """One request: its head as WSGI variables, and as much of its body as has come."""

    __slots__ = ("body", "complete", "environ", "headed", "keep_alive", "target")

    def __init__(self) -> None:
        self.target = b""
        self.environ: dict[str, object] = {}
        self.body: deque[bytes] = deque()
        self.headed = self.complete = False
        self.keep_alive = True


class RequestParser:
    """Feeds llhttp and keeps the requests it finds, in order, in `ready`; a request is there once its head
    is."""

    def __init__(self) -> None:
        self.ready: deque[Incoming] = deque()
        self.reading: Incoming | None = None
        self._head_bytes = 0
        self._parser = httptools.HttpRequestParser(self)

    def feed(self, data: bytes) -> None:
        """Read on. Raises Malformed; the requests that were complete before are in `ready` all the same."""
        if self.reading is None or not self.reading.headed:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # An upgrade may be ignored (RFC 9110, section 7.8); what follows on this connection is not HTTP/1.1.
            self.ready[-1].keep_alive = False
        except httptools.HttpParserError as wrong:
            told = wrong.__context__
            raise (told if isinstance(told, Malformed) else Malformed(400, str(wrong))) from None
        if self._head_bytes > _HEAD_MAX_BYTES and self.reading is not None and not self.reading.headed:
            raise Malformed(431, "The header section is too large.")

    def on_message_begin(self) -> None:
        self.reading = Incoming()

    def on_url(self, target: bytes) -> None:
        assert self.reading is not None
        self.reading.target += target

    def on_header(self, name: bytes, value: bytes) -> None:
        assert self.reading is not None
        variable = _variable(name)
        # Trailers are no headers, and names that only look like one after "-" became "_" are dropped.
        if self.reading.headed or variable is None:
            return
        environ = self.reading.environ
        if variable not in environ:
            environ[variable] = value.decode("latin-1")
        elif variable in _ONCE:
            raise Malformed(400, f"The header {name.decode('latin-1')} is there more than once.")
        else:
            between = "; " if variable == "HTTP_COOKIE" else ","
            environ[variable] = f"{environ[variable]}{between}{value.decode('latin-1')}"

    def on_headers_complete(self) -> None:
        request = self.reading
        assert request is not None
        environ = request.environ
        version = self._parser.get_http_version()
        if version not in ("1.1", "1.0"):
            raise Malformed(505, "HTTP/1.1 is spoken here.")
        if version == "1.1" and "HTTP_HOST" not in environ:
            raise Malformed(400, "The Host header is missing.")
        if environ.get("HTTP_TRANSFER_ENCODING", "chunked").lower() != "chunked":  # type: ignore[attr-defined]
            raise Malformed(501, "No transfer coding but chunked is read here.")
        if version == "1.0" and "HTTP_TRANSFER_ENCODING" in environ:
            raise Malformed(400, "HTTP/1.0 has no transfer codings.")
        environ["REQUEST_METHOD"] = self._parser.get_method().decode("ascii")
        environ["SERVER_PROTOCOL"] = f"HTTP/{version}"
        _address(environ, request.target)
        request.keep_alive = version == "1.1" and self._parser.should_keep_alive()
        request.headed = True
        self._head_bytes = 0
        self.ready.append(request)

    def on_body(self, piece: bytes) -> None:
        assert self.reading is not None
        self.reading.body.append(piece)

    def on_message_complete(self) -> None:
        assert self.reading is not None
        self.reading.complete = True
        self.reading = None


def _address(environ: dict[str, object], target: bytes) -> None:
    """Set the path and query variables from a request target (RFC 9112, section 3.2)."""
    if len(target) > _TARGET_MAX_BYTES:
        raise Malformed(414, "The request target is too long.")
    if b"#" in target:
        raise Malformed(400, "A request target has no fragment.")
    if not target.startswith(b"/"):
        if target.lower().startswith((b"http://", b"https://")):
            _, _, after = target.partition(b"://")
            host, slash, rest = after.partition(b"/")
            target = slash + rest if slash else b"/?" + host.partition(b"?")[2]
        elif target != b"*" or environ["REQUEST_METHOD"] != "OPTIONS":
            raise Malformed(400, "The request target is not a path.")
    path, _, query = target.partition(b"?")
    environ["RAW_URI"] = target.decode("latin-1")
    environ["PATH_INFO"] = (unquote_to_bytes(path) if b"%" in path else path).decode("latin-1")
    environ["QUERY_STRING"] = query.decode("latin-1")


@lru_cache(maxsize=512)
def _variable(name: bytes) -> str | None:
    """Return the WSGI variable of a header, or None for one that is dropped."""
    if b"_" in name:
        return None
    upper = name.decode("ascii").upper().replace("-", "_")
    return upper if upper in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{upper}"
