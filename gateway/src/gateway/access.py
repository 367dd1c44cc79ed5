"""The record of each request: one JSON access line in the form of the services', and one observation in the metrics.

Written past `logging`, which costs as much as the rest of a request; the fields are the gateway's own or checked, so
that nothing in them needs to be masked.
"""

import os
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

import uuid_utils

from chassis import metrics
from chassis.context import child_traceparent, new_traceparent, well_formed_request_id
from chassis.errors import ServiceError
from chassis.log_lines import ATOMIC_BYTES, GATHERED_SECONDS
from gateway.access_line import Clock, opening_of, quoted_route, reason
from gateway.channel import Reactor
from gateway.front.request import Request
from gateway.identity import Caller
from gateway.logins import Attempt
from gateway.pages import Page
from gateway.routes import Route

CLIENT_LEFT = 499  # in logs and metrics only, as nginx has it
_COUNT_SECONDS = 1.0
_UNSAMPLED = "00"


def new_request_id() -> str:
    """Return a new request id: the text of a UUIDv7, made without uuid.UUID, which costs ten times as much."""
    return str(uuid_utils.uuid7())


class Trace(Protocol):
    """The spans of a request, where they are kept."""

    def end(self, status: int, seconds: float, body_bytes: int) -> None: ...

    def asking(self, route: Route, status: Callable[[], int]) -> AbstractContextManager[None]: ...


class Visit:
    """What is known of one request while it is served. `scheme` is the client's; `made` has the header lines that every
    answer to it has; `trace` is there if its spans are kept."""

    __slots__ = (
        *(
            "attempt",
            "cache",
            "caller",
            "made",
            "method",
            "problem",
            "rates",
            "request_id",
            "route",
            "scheme",
            "started_at",
            "trace",
        ),
        "traceparent",
    )

    def __init__(self, request: Request | None, scheme: str, made: bytes) -> None:
        self.scheme = scheme
        self.made = made
        self.route: Route | Page | None = None
        self.caller: Caller | None = None
        self.cache = ""  # what the cache had to do with it
        self.problem: ServiceError | None = None
        self.rates = b""  # the answer's header lines about them
        self.attempt: Attempt | None = None
        self.trace: Trace | None = None
        if request is None:
            self.method, self.started_at = "none", time.monotonic()
            self.request_id, self.traceparent = new_request_id(), new_traceparent()
            return
        self.method, self.started_at = request.method, request.started_at
        self.request_id = _request_id_of(request) or new_request_id()
        parent = request.named.get(b"traceparent")
        self.traceparent = (
            new_traceparent() if parent is None else child_traceparent(parent.decode("latin-1"), _UNSAMPLED)
        )


def _request_id_of(request: Request) -> str:
    """Return the client's word for a request; empty where there is none, or more than one, or one that nobody could
    repeat."""
    told = request.named.get(b"x-request-id")
    if told is None:
        return ""
    text = told.decode("latin-1")
    once = [name for name, _ in request.fields].count(b"x-request-id") == 1
    return text if once and well_formed_request_id(text) else ""


class AccessLog:
    """Collects the lines of a moment, and the durations of one second, and tells them together."""

    def __init__(
        self,
        reactor: Reactor,
        *,
        release: str,
        failures_only: bool = False,
        write: Callable[[bytes], object] | None = None,
    ) -> None:
        self._loop = reactor.loop
        self._clock = Clock()
        self._opening = opening_of(release)
        self._failures_only = failures_only
        self._write = write or _to_stdout
        self._lines: list[bytes] = []
        self._durations: defaultdict[tuple[str, str, int], list[float]] = defaultdict(list)
        self._counting = self._loop.timer(_COUNT_SECONDS, _COUNT_SECONDS, ref=False)
        self._counting.start(self.count)
        self._telling = self._loop.timer(GATHERED_SECONDS, GATHERED_SECONDS)

    def record(self, visit: Visit, status: int, body_bytes: int) -> None:
        """Record a request that has been answered with `status` and so many bytes of body; 0: not at all."""
        seconds = time.monotonic() - visit.started_at
        status = status or CLIENT_LEFT
        route = visit.route.template if visit.route is not None else "none"
        self._durations[visit.method, route, status].append(seconds)
        if visit.trace is not None:
            visit.trace.end(status, seconds, body_bytes)
        if self._failures_only and status < 500:
            return
        more = f',"cache":"{visit.cache}"' if visit.cache else ""
        if visit.caller is not None:
            more += f',"user_id":"{visit.caller.user_id}"'
        if visit.problem is not None:
            more += reason(visit.problem)
        if not self._lines:
            self._telling.again(self.flush)
        self._lines.append(
            (
                f'{{"time":"{self._clock.text(time.time())}","level":"{"WARNING" if status >= 500 else "INFO"}'
                f'{self._opening}{visit.request_id}","trace_id":"{visit.traceparent[3:35]}",'
                f'"method":"{visit.method}","route":{quoted_route(route)},"status":{status},'
                f'"duration_ms":{seconds * 1000:.2f},"bytes":{body_bytes}{more}}}\n'
            ).encode()
        )
        if status >= 500:
            self.flush()

    def count(self) -> None:
        """Tell the metrics what has been collected: one by one it would cost more than a request's parsing."""
        durations, self._durations = self._durations, defaultdict(list)
        for (method, route, status), seconds in durations.items():
            metrics.observe_all(method, route, status, seconds)

    def flush(self) -> None:
        """Write the lines that have been collected."""
        self._telling.stop()
        lines, self._lines = self._lines, []
        block, size = [], 0
        for line in lines:
            if block and size + len(line) > ATOMIC_BYTES:
                self._write(b"".join(block))
                block, size = [], 0
            block.append(line)
            size += len(line)
        if block:
            self._write(b"".join(block))


def _to_stdout(block: bytes) -> None:
    while block:
        block = block[os.write(1, block) :]
