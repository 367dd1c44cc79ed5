"""A service's answer on its way to the client, whole where it has arrived whole, else piece by piece."""

from gateway.access import Visit
from gateway.front.reply import Reply
from gateway.front.request import Request
from gateway.headers import client_fields
from gateway.upstream.link import Link


def relay(link: Link, request: Request, reply: Reply, visit: Visit, until: float) -> None:
    """Pass on the answer of a link, whose body may take `until` then. Raises BadUpstreamAnswer, DeadlineExceeded,
    OSError when the client leaves."""
    answer = link.answer
    if visit.attempt is not None:
        visit.attempt.answered(answer.status, lambda: _body(link, until))
    fields = client_fields(
        answer.fields,
        visit.made + visit.rates,
        visit.request_id,
        never_stored=answer.status >= 400 or visit.caller is not None,
    )
    if answer.complete and request.method != "HEAD":
        reply.send(answer.status, fields, answer.take())
        return
    reply.when_client_leaves(link.channel.cancel)
    try:
        reply.start(answer.status, fields, answer.length)
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
