"""Request bodies on their way through: small ones are held until they are whole, large ones pass in pieces."""

from collections.abc import Iterator

from chassis.errors import TooLarge
from gateway.front.refusals import Refusal
from gateway.front.request import Request

_HELD_BYTES = 65536  # a slow sender of no more than this keeps no service waiting


class BodyUnexpected(Refusal):
    code = "body_unexpected"
    title = "A request of this method has no body"


def gather(request: Request, limit_bytes: int) -> bytes:
    """Return the body, or its beginning when it is too long to be held: `request.complete` tells.

    Raises TooLarge, BodyUnexpected, Refusal for one that is malformed or slow, OSError when the client leaves.
    """
    if request.complete and not request.chunks:
        return b""
    if request.method in ("GET", "HEAD"):
        raise BodyUnexpected()
    _check(request.length or 0, limit_bytes)
    held = request.take()
    while not request.complete and len(held) <= _HELD_BYTES:
        _check(len(held), limit_bytes)
        request.wait()
        held += request.take()
    _check(len(held), limit_bytes)
    return held


def framing(request: Request, held: bytes) -> bytes:
    """Return the field that frames the body towards the service, with its CRLF."""
    if request.complete:
        return b"Content-Length: %d\r\n" % len(held) if held or request.method not in ("GET", "HEAD") else b""
    if request.length is None:
        return b"Transfer-Encoding: chunked\r\n"
    return b"Content-Length: %d\r\n" % request.length


def pieces(request: Request, held: bytes, limit_bytes: int, head: bytes) -> Iterator[bytes]:
    """Yield a request whose body is still arriving as it goes to the service. Raises as `gather` does."""
    chunked = request.length is None
    yield head
    sent, piece = 0, held
    while True:
        sent += len(piece)
        _check(sent, limit_bytes)
        if piece:
            yield b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece
        if request.complete and not request.chunks:
            break
        if not request.chunks:
            request.wait()
        piece = request.take()
    if chunked:
        yield b"0\r\n\r\n"


def _check(size: int, limit_bytes: int) -> None:
    if size > limit_bytes:
        raise TooLarge(f"At most {limit_bytes} bytes go here.")
