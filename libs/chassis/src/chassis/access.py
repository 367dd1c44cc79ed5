"""Around each request, as WSGI middleware: its context, its id on the answer, one access line, one
observation."""

import logging
import re
import time
import weakref
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, Response
from werkzeug.wsgi import ClosingIterator

from chassis import context, metrics
from chassis.context import RequestContext
from chassis.errors import BadRequest, ServiceError
from chassis.in_flight import in_flight
from chassis.problems import problem_bytes, problem_headers, status_of
from chassis.samples import Level, Sampler
from chassis.spans import SERVER, Span, Spans, kept_in

_log = logging.getLogger("access")
_QUIET = frozenset({"/livez", "/readyz", "/metrics"})
# No route of ours has such characters; let through, they end in a log, a file name or a statement. Flask would drop a
# second slash at the start, and so see another path than a gateway did.
_odd = re.compile(r"[\x00-\x1f\x7f\\]|\A//")

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def init_app(app: Flask, ceiling_seconds: float, spans: Spans | None = None) -> None:
    """Open a context for each request, whose deadline is the caller's, but at most `ceiling_seconds` from
    now, and close it with the access line, and a span where `spans` are kept and the caller's trace is sampled."""
    app.wsgi_app = Access(app.wsgi_app, ceiling_seconds, spans)  # type: ignore[method-assign]


def refusal(error: ServiceError) -> Response:
    """Return the problem document of an error as an answer; the access line will tell it."""
    here = context.current()
    here.problem = error
    return Response(problem_bytes(error, here.request_id), status_of(error), problem_headers(error))


class Access:
    """Wraps a WSGI app; see `init_app`."""

    def __init__(self, app: WsgiApp, ceiling_seconds: float, spans: Spans | None = None) -> None:
        self._app = app
        self._ceiling_seconds = ceiling_seconds
        self._spans = spans
        self._running: set[int] = set()
        self._sampler: Sampler | None = None  # from the first request on, which no parent of processes has

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        started = time.monotonic()
        here = self._context(environ, started)
        told: dict[str, Any] = {"method": environ["REQUEST_METHOD"], "bytes": None}

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            headers.append(("X-Request-ID", here.request_id))
            told["status"] = int(status[:3])
            told["bytes"] = next((int(value) for name, value in headers if name == "Content-Length"), None)
            return start_response(status, headers, exc_info)

        def close() -> None:
            with context.use(here):
                self._tell(environ, here, told, time.monotonic() - started)

        self._sampler = self._sampler or self._sampled()
        self._running.add(id(told))
        token = context.enter(here)
        try:
            body = self._asked(environ)(environ, start)
            if told["bytes"] is None:
                return ClosingIterator(body, close)  # a stream: over when its last piece is sent
            self._tell(environ, here, told, time.monotonic() - started)
            return body
        except BaseException:
            self._running.discard(id(told))
            raise
        finally:
            context.leave(token)

    def _tell(
        self, environ: dict[str, Any], here: RequestContext, told: dict[str, Any], seconds: float
    ) -> None:
        self._running.discard(id(told))
        _tell(here, told, seconds)
        if here.spans is not None:
            here.spans.record(_span_of(environ, here, told, seconds))

    def _sampled(self) -> Sampler:
        level, running = Level(in_flight), self._running
        sampler = Sampler(lambda: level.tell(len(running)), at_end=lambda: level.tell(0))
        weakref.finalize(self, sampler.close)
        return sampler

    def _context(self, environ: dict[str, Any], started: float) -> RequestContext:
        request_id = environ.get("HTTP_X_REQUEST_ID", "")
        traceparent = context.child_traceparent(environ.get("HTTP_TRACEPARENT", ""))
        return RequestContext(
            request_id if context.well_formed_request_id(request_id) else context.new_request_id(),
            traceparent,
            started + _seconds(environ.get("HTTP_X_REQUEST_DEADLINE_MS", ""), self._ceiling_seconds),
            spans=kept_in(self._spans, traceparent),
        )

    def _asked(self, environ: dict[str, Any]) -> WsgiApp:
        """Return the app, or a refusal of a path that no route may see."""
        path: str = environ["PATH_INFO"]
        if _odd.search(path) is None and (path.isascii() or _is_utf8(path)):
            return self._app
        return refusal(BadRequest("No path here looks like this."))


def _tell(here: RequestContext, told: dict[str, Any], seconds: float) -> None:
    method, status, route = told["method"], told["status"], here.route
    metrics.observe(method, route, status, seconds)
    fields = {**told, "route": route, "duration_ms": round(seconds * 1000, 2)}
    level = logging.DEBUG if route in _QUIET else logging.INFO
    if here.problem is not None:
        level = logging.WARNING if status >= 500 else logging.INFO
        fields |= _told(here.problem)
    _log.log(level, "request", extra=fields)


def _span_of(environ: dict[str, Any], here: RequestContext, told: dict[str, Any], seconds: float) -> Span:
    ended_ns, name, status = time.time_ns(), told["method"], told["status"]
    attributes = {
        "http.request.method": name,
        "http.response.status_code": status,
        "url.scheme": environ["wsgi.url_scheme"],
        "souk.request_id": here.request_id,
    }
    if here.route != context.NO_ROUTE:
        name = f"{name} {here.route}"
        attributes["http.route"] = here.route
    if status >= 500:
        attributes["error.type"] = here.problem.code if here.problem is not None else str(status)
    return Span(
        name,
        SERVER,
        here.trace_id,
        here.span_id,
        environ["HTTP_TRACEPARENT"][36:52],
        ended_ns - int(seconds * 1e9),
        ended_ns,
        attributes,
        status >= 500,
    )


def _told(problem: ServiceError) -> dict[str, object]:
    told: dict[str, object] = {"code": problem.code, "detail": problem.detail}
    if problem.errors:
        told["fields"] = [f"{each.parameter or each.pointer}: {each.code}" for each in problem.errors]
    if problem.__cause__ is not None:
        told["cause"] = f"{type(problem.__cause__).__name__}: {problem.__cause__}"
    return told


def _is_utf8(path: str) -> bool:
    try:
        path.encode("latin-1").decode()
    except UnicodeError:
        return False
    return True


def _seconds(milliseconds: str, ceiling: float) -> float:
    if milliseconds.isascii() and milliseconds.isdigit() and len(milliseconds) <= 9:
        return min(int(milliseconds) / 1000, ceiling)
    return ceiling
