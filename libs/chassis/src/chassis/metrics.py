"""Metrics in Prometheus' form; with several processes their values are added up at the scrape."""

import os
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from chassis import context

if TYPE_CHECKING:  # workers have metrics as well, and do without Flask
    from flask import Flask

CONTENT_TYPE = CONTENT_TYPE_LATEST

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_requests = Counter("http_requests", "Requests answered", ("method", "route", "status"))
_seconds = Histogram(
    "http_request_duration_seconds", "Time to answer a request", ("method", "route"), buckets=_BUCKETS
)

# labels() costs more than the increment; methods are ours alone, so a client cannot fill this.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})


@lru_cache(maxsize=1024)
def _children(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    return _requests.labels(method, route, str(status)), _seconds.labels(method, route)


def observe(method: str, route: str, status: int, seconds: float) -> None:
    """Count one request and its duration in seconds; `route` is the template, never the path."""
    count, duration = _children(method if method in _METHODS else "other", route, status)
    count.inc()
    duration.observe(seconds)


def observe_all(method: str, route: str, status: int, seconds: Sequence[float]) -> None:
    """Count several requests of one kind, with their durations, at a fraction of the price of one by one: for
    who answers so many that each microsecond counts."""
    count, duration = _children(method if method in _METHODS else "other", route, status)
    count.inc(len(seconds))
    # The library observes one value at a time only: this is what its observe() does, summed up before.
    duration._sum.inc(sum(seconds))
    reached = [0] * len(duration._buckets)
    for each in seconds:
        reached[bisect_left(_BUCKETS, each)] += 1
    for bucket, number in zip(duration._buckets, reached, strict=True):
        if number:
            bucket.inc(number)


def exposition() -> bytes:
    """Return all metrics of this service in Prometheus' text form: of all its processes where there are
    several."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return generate_latest(registry)


def init_app(app: "Flask") -> None:
    """Serve /metrics."""
    from flask import Response

    def metrics() -> Response:
        context.current().route = "/metrics"
        return Response(exposition(), content_type=CONTENT_TYPE)

    app.add_url_rule("/metrics", view_func=metrics, provide_automatic_options=False)
