"""Traces: which requests have their spans kept, and what is told of a request and of what it asks a service.

They begin here. A client's trace id is taken over, as it always is, but neither its word that the trace be kept, which
would be a stranger's to spend our storage by, nor its span as ours' parent, which nobody here has.
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from chassis.spans import CLIENT, SERVER, Attributes, Span, Spans, new_span_id
from gateway.access import Visit
from gateway.routes import Route

_SAMPLED = "01"


class Tracing:
    """Keeps the spans of so large a share of all requests, chosen at random."""

    def __init__(self, spans: Spans, share: float, *, chance: Callable[[], float] = random.random) -> None:
        self._spans = spans
        self._share = share
        self._chance = chance

    def begin(self, visit: Visit) -> None:
        """Decide whether the spans of a request are kept: here, in the services, and of its events."""
        if self._chance() < self._share:
            visit.traceparent = visit.traceparent[:-2] + _SAMPLED
            visit.trace = Trace(self._spans, visit)


class Trace:
    """The trace of one request whose spans are kept."""

    __slots__ = ("_id", "_span_id", "_spans", "_visit")

    def __init__(self, spans: Spans, visit: Visit) -> None:
        self._spans = spans
        self._visit = visit
        self._id, self._span_id = visit.traceparent[3:35], visit.traceparent[36:52]

    def end(self, status: int, seconds: float, body_bytes: int) -> None:
        """Tell of the request, which has been answered."""
        visit = self._visit
        told: dict[str, str | int] = {
            "http.request.method": visit.method,
            "http.response.status_code": status,
            "http.response.body.size": body_bytes,
            "url.scheme": visit.scheme,
            "souk.request_id": visit.request_id,
        }
        name = visit.method
        if visit.route is not None:
            told["http.route"] = visit.route.template
            name = f"{name} {visit.route.template}"
        if visit.cache:
            told["souk.cache"] = visit.cache
        if visit.problem is not None:
            told["error.type"] = visit.problem.code
        self._record(name, SERVER, self._span_id, "", time.time_ns() - int(seconds * 1e9), told, status)

    @contextmanager
    def asking(self, route: Route, status: Callable[[], int]) -> Iterator[None]:
        """Record a block as one question to a service, which is told its traceparent and answers `status()`."""
        span_id, began_ns = new_span_id(), time.time_ns()
        told: dict[str, str | int] = {
            "http.request.method": self._visit.method,
            "server.address": route.upstream,
            "url.template": route.template,
        }
        self._visit.traceparent = f"00-{self._id}-{span_id}-{_SAMPLED}"
        try:
            yield
        except BaseException as failure:
            told["error.type"] = type(failure).__name__
            raise
        finally:
            code = status()
            if code:
                told["http.response.status_code"] = code
            name = f"{self._visit.method} {route.upstream}"
            self._record(name, CLIENT, span_id, self._span_id, began_ns, told, code)

    def _record(
        self,
        name: str,
        kind: str,
        span_id: str,
        parent_id: str,
        began_ns: int,
        told: Attributes,
        status: int,
    ) -> None:
        failed = not status or status >= (500 if kind is SERVER else 400)
        self._spans.record(
            Span(name, kind, self._id, span_id, parent_id, began_ns, time.time_ns(), told, failed)
        )
