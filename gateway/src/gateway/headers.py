"""Header fields across the gateway: what a service is told, and what of its answer a client gets."""

from collections.abc import Iterable, Mapping

from gateway import cors, protection
from gateway.front.request import Request
from gateway.protection import NEVER_STORED
from gateway.routes import Route

# Those of one connection (RFC 9110, section 7.6.1), those that framing makes, what tells about our inside, and what the
# gateway alone says to browsers.
_KEPT_BACK = (
    frozenset(
        b"connection keep-alive proxy-connection proxy-authenticate te trailer transfer-encoding upgrade content-length"
        b" server x-powered-by x-request-id traceparent".split()
    )
    | cors.MADE_HERE
    | protection.MADE_HERE
)
_NOTHING = (None, None, b"")
_COMMON_OPTIONS = (b"keep-alive", b"close")


def upstream_head(
    request: Request,
    route: Route,
    *,
    assertion: str,
    request_id: str,
    traceparent: str,
    milliseconds: int,
    scheme: str,
    framing: bytes,
    shared: bool = False,
) -> tuple[bytes, bytes]:
    """Return the head of the request to a service: its line, and all fields but Host, which follows that line; of the
    client's only those the route lets through. `framing` is the field that frames the body, with its CRLF; empty
    without a body. A `shared` request is a GET whose answer may be for others too."""
    forward = route.shared_forward if shared else route.forward
    own = f"Authorization: Bearer {assertion}\r\nX-Request-ID: {request_id}\r\ntraceparent: {traceparent}\r\n"
    told = _told_of(request, forward, milliseconds, scheme)
    line = b"%b %b HTTP/1.1\r\n" % (b"GET" if shared else request.method.encode(), request.target)
    return line, b"%b%b%b\r\n" % (own.encode(), told, framing)


def _told_of(request: Request, forward: Mapping[bytes, bytes], milliseconds: int, scheme: str) -> bytes:
    """Return the lines that are the same for requests with the same fields from the same client."""
    made_for = (request.peer, milliseconds, scheme)
    noted: tuple[object, object, bytes] = request.notes.get("told", _NOTHING)
    if noted[0] is forward and noted[1] == made_for:
        return noted[2]
    passed = b"".join(
        [b"%b%b\r\n" % (forward[name], value) for name, value in request.fields if name in forward]
    )
    made = (
        f"X-Request-Deadline-Ms: {milliseconds}\r\n"
        f"X-Forwarded-For: {request.peer}\r\nX-Forwarded-Proto: {scheme}\r\nX-Forwarded-Host: "
    )
    told = b"%b%b\r\n%b" % (made.encode(), request.single.get(b"host", b""), passed)
    request.notes["told"] = (forward, made_for, told)
    return told


def client_fields(
    fields: Iterable[tuple[bytes, bytes]], made: bytes, request_id: str, *, never_stored: bool
) -> bytes:
    """Return the header lines of a reply: those made for every answer, and an answer's fields (lower-case names), one
    line for each. `never_stored`: nobody may keep it, if the service does not say who may."""
    lines = client_lines(fields)
    if never_stored and b"cache-control" not in dict(fields):
        lines += NEVER_STORED
    return b"%b%bx-request-id: %b\r\n" % (lines, made, request_id.encode())


def client_lines(fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return those of an answer's fields alone."""
    lines = [b"%b: %b\r\n" % field for field in fields if field[0] not in _KEPT_BACK]
    for name, value in fields:
        if name == b"connection" and value not in _COMMON_OPTIONS:
            own = [option.strip() + b":" for option in value.lower().split(b",")]
            lines = [line for line in lines if not line.startswith(tuple(own))]
    return b"".join(lines)
