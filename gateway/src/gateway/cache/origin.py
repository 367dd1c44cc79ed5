"""The services as the cache asks them: by GET, and on nobody's behalf."""

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext

from chassis.assertions import Signer
from gateway.access import Visit
from gateway.front.request import Request
from gateway.headers import upstream_head
from gateway.routes import Route
from gateway.upstream.link import Link
from gateway.upstream.message import Message
from gateway.upstream.service import Service


class Origin:
    """Services by the names the routes use."""

    def __init__(self, services: Mapping[str, Service], signer: Signer) -> None:
        self._services = services
        self._signer = signer

    @contextmanager
    def ask(
        self, request: Request, visit: Visit, route: Route, conditions: bytes, until: float
    ) -> Iterator[Link]:
        """Hold the link on which an answer has begun that may be for others too; `conditions` are header lines."""
        status = 0
        asking: AbstractContextManager[None] = nullcontext()
        if visit.trace is not None:
            asking = visit.trace.asking(route, lambda: status)
        with asking, self._link(request, visit, route, conditions, until) as link:
            status = link.answer.status
            yield link

    @contextmanager
    def _link(
        self, request: Request, visit: Visit, route: Route, conditions: bytes, until: float
    ) -> Iterator[Link]:
        start, rest = upstream_head(
            request,
            route,
            assertion=self._signer.sign(route.upstream, None),
            request_id=visit.request_id,
            traceparent=visit.traceparent,
            milliseconds=int((until - time.monotonic()) * 1000),
            scheme=visit.scheme,
            framing=conditions,
            shared=True,
        )
        # A client's word for or against the canary would be one for all.
        canary = route.canary.share if route.canary is not None else 0.0
        service = self._services[route.upstream]
        link = service.ask(Message("GET", start, rest, until, canary=canary, kind=(route.template, "GET")))
        try:
            yield link
        finally:
            service.release(link)
