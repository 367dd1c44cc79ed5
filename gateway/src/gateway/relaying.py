"""A service's answer on its way to the client: whole where it is whole or is to be compressed, else piece by piece."""

from gateway.access import Visit
from gateway.compression import compress, negotiate
from gateway.front.reply import Reply
from gateway.front.request import Request
from gateway.headers import client_fields
from gateway.routes import Route
from gateway.upstream.link import Link

_HELD_BYTES = 65536  # a slow reader of no more than this keeps no service waiting

Whole = tuple[int, bytes, bytes]


def relay(
    link: Link, request: Request, reply: Reply, visit: Visit, route: Route, until: float
) -> Whole | None:
    """Pass on the answer of a link, whose body may take `until` then. One that is whole is not sent but returned, its
    status, fields and body: a client may take its time for it when the link is another's again. Raises
    BadUpstreamAnswer, DeadlineExceeded, OSError when the client leaves."""
    answer = link.answer
    if visit.attempt is not None:
        visit.attempt.answered(answer.status, lambda: _body(link, until))
    negotiated, compressed = negotiate(request, answer, route.compress_min_bytes)
    fields = client_fields(
        negotiated,
        visit.made + visit.rates,
        visit.request_id,
        never_stored=answer.status >= 400 or visit.caller is not None,
    )
    if request.method != "HEAD" and (answer.complete or (answer.length or _HELD_BYTES + 1) <= _HELD_BYTES):
        body = _body(link, until)
        return answer.status, fields, compress(body) if compressed else body
    reply.when_client_leaves(link.channel.cancel)
    try:
        if compressed and request.method != "HEAD":
            return answer.status, fields, compress(_body(link, until))
        # How long it would be compressed is not known to a HEAD.
        reply.start(answer.status, fields, None if compressed else answer.length)
        reply.write(answer.take())
        while not answer.complete:
            link.wait(until)
            reply.write(answer.take())
        reply.finish()
        return None
    finally:
        reply.when_client_leaves(None)


def _body(link: Link, until: float) -> bytes:
    """Return the whole body, and leave it to be taken."""
    while not link.answer.complete:
        link.wait(until)
    return b"".join(link.answer.chunks)
