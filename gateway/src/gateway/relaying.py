"""A service's answer on its way to the client: whole where it is whole or is to be compressed, else piece by piece."""

from gateway.access import Visit
from gateway.compression import compress, negotiate
from gateway.front.reply import Reply
from gateway.front.request import Request
from gateway.headers import client_fields
from gateway.routes import Route
from gateway.upstream.link import Link


def relay(link: Link, request: Request, reply: Reply, visit: Visit, route: Route, until: float) -> None:
    """Pass on the answer of a link, whose body may take `until` then. Raises BadUpstreamAnswer, DeadlineExceeded,
    OSError when the client leaves."""
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
    if answer.complete and request.method != "HEAD":
        body = answer.take()
        reply.send(answer.status, fields, compress(body) if compressed else body)
        return
    reply.when_client_leaves(link.channel.cancel)
    try:
        if compressed and request.method != "HEAD":
            reply.send(answer.status, fields, compress(_body(link, until)))
            return
        # How long it would be compressed is not known to a HEAD.
        reply.start(answer.status, fields, None if compressed else answer.length)
        reply.write(answer.take())
        while not answer.complete:
            link.wait(until)
            reply.write(answer.take())
        reply.finish()
    finally:
        reply.when_client_leaves(None)


def _body(link: Link, until: float) -> bytes:
    """Return the whole body, and leave it to be taken."""
    while not link.answer.complete:
        link.wait(until)
    return b"".join(link.answer.chunks)
