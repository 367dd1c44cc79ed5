"""Around each request: its context, its id on the answer, one access line and one observation in the
metrics."""

import logging
import time

from flask import Flask, Response, g, request

from chassis import context, metrics
from chassis.context import RequestContext
from chassis.errors import ServiceError

_log = logging.getLogger("access")
_QUIET = frozenset({"/livez", "/readyz", "/metrics"})


def init_app(app: Flask, ceiling_seconds: float) -> None:
    """Open a context for each request, whose deadline is the caller's, but at most `ceiling_seconds` from
    now, and close it with the access line."""

    @app.before_request
    def begin() -> None:
        environ = request.environ
        started = time.monotonic()
        request_id = environ.get("HTTP_X_REQUEST_ID", "")
        here = RequestContext(
            request_id=request_id if context.well_formed_request_id(request_id) else context.new_request_id(),
            traceparent=context.child_traceparent(environ.get("HTTP_TRACEPARENT", "")),
            deadline=started + _seconds(environ.get("HTTP_X_REQUEST_DEADLINE_MS", ""), ceiling_seconds),
        )
        g.chassis = (started, here, context.enter(here))

    @app.after_request
    def end(response: Response) -> Response:
        started, here, _ = g.chassis
        response.headers["X-Request-ID"] = here.request_id
        method, rule = request.method, request.url_rule
        route = rule.rule if rule is not None else "none"
        problem: ServiceError | None = g.get("chassis_problem")

        def close() -> None:
            seconds = time.monotonic() - started
            metrics.observe(method, route, response.status_code, seconds)
            with context.use(here):
                _write(method, route, response, seconds, problem)

        if response.is_streamed:
            response.call_on_close(close)
        else:
            close()
        return response

    @app.teardown_request
    def forget(_: BaseException | None) -> None:
        if "chassis" in g:
            context.leave(g.chassis[2])


def _write(method: str, route: str, response: Response, seconds: float, problem: ServiceError | None) -> None:
    fields = {
        "method": method,
        "route": route,
        "status": response.status_code,
        "duration_ms": round(seconds * 1000, 2),
        "bytes": response.content_length,
    }
    level = logging.DEBUG if route in _QUIET else logging.INFO
    if problem is not None:
        level = logging.WARNING if response.status_code >= 500 else logging.INFO
        fields |= _told(problem)
    _log.log(level, "request", extra=fields)


def _told(problem: ServiceError) -> dict[str, object]:
    told: dict[str, object] = {"code": problem.code, "detail": problem.detail}
    if problem.errors:
        told["fields"] = [f"{each.parameter or each.pointer}: {each.code}" for each in problem.errors]
    if problem.__cause__ is not None:
        told["cause"] = f"{type(problem.__cause__).__name__}: {problem.__cause__}"
    return told


def _seconds(milliseconds: str, ceiling: float) -> float:
    if milliseconds.isascii() and milliseconds.isdigit() and len(milliseconds) <= 9:
        return min(int(milliseconds) / 1000, ceiling)
    return ceiling
